/*
 * What a thread can do that does nothing but keep time: `deadlines PERIOD_NS ON_NS FOR_NS PRIORITY` plays a wave into memory, each edge
 * at an absolute deadline, and prints when they were, in ns from the first. A priority above 0 asks for SCHED_FIFO.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static int64_t period_ns, on_ns, for_ns;
static int priority;
static int64_t *at_ns;
static size_t count;

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void wait_until(int64_t due_ns) {
  const struct timespec due = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {
  }
}

static void *play(void *unused) {
  const struct sched_param param = {.sched_priority = priority};
  prctl(PR_SET_TIMERSLACK, 1);
  if (priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) != 0) exit(2);
  const int64_t first_ns = now_ns();
  at_ns[count++] = first_ns;
  for (int64_t start_ns = 0; start_ns < for_ns; start_ns += period_ns) {
    wait_until(first_ns + start_ns + on_ns);
    at_ns[count++] = now_ns();
    wait_until(first_ns + start_ns + period_ns);
    at_ns[count++] = now_ns();
  }
  return unused;
}

int main(int argc, char **argv) {
  pthread_t player;
  if (argc != 5) return 1;
  period_ns = atoll(argv[1]);
  on_ns = atoll(argv[2]);
  for_ns = atoll(argv[3]);
  priority = atoi(argv[4]);
  const size_t room = 2 * (for_ns / period_ns + 2);
  at_ns = malloc(room * sizeof *at_ns);
  for (size_t edge = 0; edge < room; edge++) at_ns[edge] = 0;
  if (pthread_create(&player, NULL, play, NULL) != 0 || pthread_join(player, NULL) != 0) return 1;
  for (size_t edge = 0; edge < count; edge++) printf("%" PRId64 "\n", at_ns[edge] - at_ns[0]);
  return 0;
}
