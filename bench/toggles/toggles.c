/* What the kernel allows: `toggles CHIP OFFSET COUNT` requests a line and sets it so many times, 1 and 0 in turn. Prints how long that took, in ns. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int main(int argc, char **argv) {
  struct gpio_v2_line_request request;
  if (argc != 4) return 1;
  const int chip = open(argv[1], O_RDWR | O_CLOEXEC);
  const long count = atol(argv[3]);
  memset(&request, 0, sizeof request);
  request.offsets[0] = atoi(argv[2]);
  request.num_lines = 1;
  request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) != 0) return 2;
  struct gpio_v2_line_values values = {.bits = 0, .mask = 1};
  const int64_t began_ns = now_ns();
  for (long set = 0; set < count; set++) {
    values.bits ^= 1;
    if (ioctl(request.fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0) return 3;
  }
  printf("%" PRId64 "\n", now_ns() - began_ns);
  return 0;
}
