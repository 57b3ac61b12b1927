/*
 * A client without the library, small enough to be killed by the thousand: it is forked, not started. It speaks the protocol and maps
 * the pool's file as docs/protocol.md and docs/frames.md tell. Nothing is included, for Bun's compiler runs where there are no headers.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long size;

extern int fork(void);
extern int waitpid(int pid, int *status, int options);
extern void _exit(int status);
extern int prctl(int option, ...);
extern long syscall(long number, ...);
extern int usleep(u32 us);
extern int socket(int domain, int type, int protocol);
extern int connect(int fd, const void *address, u32 length);
extern int open(const char *path, int flags, ...);
extern int close(int fd);
extern long read(int fd, void *bytes, size count);
extern long write(int fd, const void *bytes, size count);
extern void *mmap(void *at, size length, int protection, int flags, int fd, long offset);
extern void *memcpy(void *to, const void *from, size count);
extern int memcmp(const void *a, const void *b, size count);
extern size strlen(const char *text);

enum { AF_UNIX = 1, SOCK_STREAM = 1, MSG_BYTES = 65536, LINE = 64, WNOHANG = 1, PR_SET_PDEATHSIG = 1, SIGKILL = 9 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_ANONYMOUS = 0x20, SYS_close_range = 436 };

/* What a peer tells of itself, in memory that outlives it: nursery.ts reads it. */
struct record {
  volatile u32 stage;
  volatile u32 frames; /* published, or released as valid */
  volatile u32 torn, wrong, backwards; /* of frames released as valid */
  volatile u32 revoked;
  volatile u32 ghosts; /* slots written to behind the end of the connection */
  volatile u32 padding;
  volatile char surprise[64]; /* an error that may not come */
};
enum { STARTING, IDLE, WRITING, PUBLISHING, GHOST, READING, RELEASING };

static struct record *me;
static u32 chance;
static int fd;
static u32 last_id;
static u8 in[MSG_BYTES];
static int in_bytes;
/* A frame event that has come before a reply; 0: none has. */
static u8 early[MSG_BYTES];
static int early_bytes;
static u8 out[512];
static int out_bytes;

/* The pool's file. */
static u8 *map;
static u64 epoch, slots, slot_bytes, payload_offset, payload_stride;

static u32 below(u32 limit) {
  chance ^= chance << 13;
  chance ^= chance >> 17;
  chance ^= chance << 5;
  return chance % limit;
}

/* The head of a CBOR value (RFC 8949). */
static void head(int major, u64 value) {
  if (value < 24) {
    out[out_bytes++] = major << 5 | (u8)value;
    return;
  }
  out[out_bytes++] = major << 5 | 27;
  for (int shift = 56; shift >= 0; shift -= 8) out[out_bytes++] = (u8)(value >> shift);
}

static void text(const char *value) {
  head(3, strlen(value));
  memcpy(out + out_bytes, value, strlen(value));
  out_bytes += strlen(value);
}

static void number_field(const char *key, u64 value) {
  text(key);
  head(0, value);
}

/* What follows a key in the message that has come; 0: it is not there. */
static const u8 *value_of(const char *key) {
  int length = strlen(key);
  for (int i = 0; i + length + 1 < in_bytes; i++)
    if (in[i] == (0x60 | length) && memcmp(in + i + 1, key, length) == 0) return in + i + 1 + length;
  return 0;
}

static u64 number_of(const char *key) {
  const u8 *at = value_of(key);
  if (at == 0) return 0;
  u8 argument = *at & 31;
  if (argument < 24) return argument;
  u64 value = 0;
  for (int i = 0; i < 1 << (argument - 24); i++) value = value << 8 | at[1 + i];
  return value;
}

/* @returns the length of a text that has been copied, ended by a 0 */
static int text_of(const char *key, char *to, int room) {
  const u8 *at = value_of(key);
  int length = 0;
  if (at != 0) {
    length = *at & 31;
    at++;
    if (length == 24) length = *at++;
    if (length > room - 1) length = room - 1;
    memcpy(to, at, length);
  }
  to[length] = 0;
  return length;
}

/* A peer that can go no further leaves, with whatever it holds; nursery.ts has another one born. */
static void leave(void) {
  usleep(5000);
  _exit(0);
}

static void send_all(const u8 *bytes, int count) {
  while (count > 0) {
    long done = write(fd, bytes, count);
    if (done <= 0) leave();
    bytes += done;
    count -= done;
  }
}

static void read_all(u8 *bytes, int count) {
  while (count > 0) {
    long done = read(fd, bytes, count);
    if (done <= 0) leave();
    bytes += done;
    count -= done;
  }
}

static void receive(void) {
  u8 length[4];
  read_all(length, 4);
  in_bytes = length[0] << 24 | length[1] << 16 | length[2] << 8 | length[3];
  if (in_bytes > MSG_BYTES) leave();
  read_all(in, in_bytes);
}

/* @param fields how many follow beside `id` and `op` */
static void request(const char *op, int fields) {
  out_bytes = 4;
  head(5, fields + 2);
  number_field("id", ++last_id + 1000);
  text("op");
  text(op);
}

static void send_request(void) {
  int length = out_bytes - 4;
  out[0] = length >> 24;
  out[1] = length >> 16;
  out[2] = length >> 8;
  out[3] = length;
  send_all(out, out_bytes);
}

/* Errors of pools that others remove, of slots that others have, and of a supervisor that ends. */
static const char *const usual[] = { "SLOT_NONE", "POOL_GONE", "POOL_UNKNOWN", "POOL_SLOTS", "SHUTTING_DOWN" };

static int is_frame(void) {
  return value_of("lease") != 0 && value_of("slot") != 0;
}

static void receive_frame(void) {
  if (early_bytes > 0) {
    memcpy(in, early, in_bytes = early_bytes);
    early_bytes = 0;
    return;
  }
  do receive();
  while (!is_frame());
}

/* Waits for the reply to the last request; events may come before it. @returns 0: it was refused for a usual reason; leaves for others */
static int replied(void) {
  for (;;) {
    receive();
    if (value_of("ev") != 0) {
      if (is_frame()) memcpy(early, in, early_bytes = in_bytes);
      continue;
    }
    const u8 *ok = value_of("ok");
    if (ok != 0 && *ok == 0xf5) return 1;
    char code[32];
    text_of("code", code, sizeof code);
    for (int i = 0; i < sizeof usual / sizeof *usual; i++)
      if (strlen(code) == strlen(usual[i]) && memcmp(code, usual[i], strlen(code)) == 0) return 0;
    text_of("message", (char *)me->surprise, sizeof me->surprise);
    leave();
  }
}

static void open_pool(int access) {
  char path[256];
  if (!replied()) leave();
  epoch = number_of("epoch");
  slots = number_of("slots");
  slot_bytes = number_of("bytes");
  payload_offset = number_of("payloadOffset");
  payload_stride = number_of("payloadStride");
  text_of("path", path, sizeof path);
  int file = open(path, access & PROT_WRITE ? 2 : 0);
  if (file < 0) leave();
  map = mmap(0, payload_offset + slots * payload_stride, access, MAP_SHARED, file, 0);
  if (map == (void *)-1) leave();
  close(file);
}

static u8 *payload(u64 slot) {
  return map + payload_offset + slot * payload_stride;
}

/* The first 8 bytes of every line are the producer and the number of the frame, as in content.ts. */
static void fill(u8 *at, int from, int to, u32 producer, u32 number) {
  u64 identity = (u64)number << 32 | producer;
  for (int line = from; line < to; line++) *(volatile u64 *)(at + line * LINE) = identity;
}

static void look(const u8 *at, int lines, u64 identity, int *torn, int *wrong) {
  u64 first = *(volatile const u64 *)at;
  for (int line = 1; line < lines; line++)
    if (*(volatile const u64 *)(at + line * LINE) != first) *torn = 1;
  if (first != identity) *wrong = 1;
}

/* Goes on writing to a slot when the connection has ended, until it is killed or has had enough. */
static void haunt(u64 slot, u32 life) {
  me->stage = GHOST;
  me->ghosts++;
  close(fd);
  for (int round = 10 + below(200); round > 0; round--) {
    fill(payload(slot), 0, slot_bytes / LINE, 0xffffffff, life);
    usleep(500);
  }
  _exit(0);
}

static void write_frames(u32 producer, const u8 *acquire, int acquire_bytes, u32 pause_us) {
  open_pool(PROT_READ | PROT_WRITE);
  for (u32 number = 1, granted = 0;; number++) {
    me->stage = IDLE;
    while (!granted) {
      send_all(acquire, acquire_bytes);
      granted = replied();
    }
    u64 slot = number_of("slot"), lease = number_of("lease");
    if (number_of("epoch") != epoch) leave();
    int lines = 1 + below(slot_bytes / LINE);
    me->stage = WRITING;
    for (int piece = 0; piece < 8; piece++) {
      fill(payload(slot), lines * piece / 8, lines * (piece + 1) / 8, producer, number);
      usleep(below(pause_us));
      if (below(1000) == 0) haunt(slot, producer);
    }
    me->stage = PUBLISHING;
    request("slot.publish", 4);
    number_field("lease", lease);
    number_field("bytes", lines * LINE);
    text("acquire");
    out[out_bytes++] = 0xf5;
    text("meta");
    head(5, 2);
    number_field("producer", producer);
    number_field("number", number);
    send_request();
    if (!replied()) leave();
    me->frames++;
    granted = value_of("lease") != 0;
  }
}

static void read_frames(const u8 *subscribe, int subscribe_bytes, u32 hold_us) {
  open_pool(PROT_READ);
  send_all(subscribe, subscribe_bytes);
  if (!replied()) leave();
  u64 last_seq = 0;
  for (;;) {
    me->stage = IDLE;
    receive_frame();
    u64 slot = number_of("slot"), lease = number_of("lease"), seq = number_of("seq");
    u64 identity = number_of("number") << 32 | number_of("producer");
    int lines = number_of("bytes") / LINE;
    if (number_of("epoch") != epoch) leave();
    me->stage = READING;
    int torn = 0, wrong = 0;
    look(payload(slot), lines, identity, &torn, &wrong);
    usleep(below(hold_us));
    look(payload(slot), lines, identity, &torn, &wrong);
    me->stage = RELEASING;
    request("slot.release", 1);
    number_field("lease", lease);
    send_request();
    if (!replied()) leave();
    const u8 *valid = value_of("valid");
    if (valid != 0 && *valid == 0xf5) {
      me->frames++;
      me->torn += torn;
      me->wrong += wrong;
      me->backwards += seq <= last_seq;
    } else {
      me->revoked++;
    }
    last_seq = seq;
  }
}

/* Memory for the records of so many peers, which they share with the process that has them born. */
void *records(int count) {
  return mmap(0, count * sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/*
 * Forks a peer.
 * opening: the requests hello and pool.open; asking: slot.acquire of a writer, frames.subscribe of a reader, as they go over the socket
 */
int born(int writes, u32 life, u32 pause_us, struct record *record, const char *path, const u8 *opening, int opening_bytes,
         const u8 *asking, int asking_bytes) {
  int pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  syscall(SYS_close_range, 3, ~0u, 0);
  me = record;
  chance = life * 2654435761u + 1;
  struct { u16 family; char path[108]; } address = { AF_UNIX };
  memcpy(address.path, path, strlen(path) + 1);
  fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, &address, sizeof address) != 0) leave();
  send_all(opening, opening_bytes);
  if (!replied()) leave();
  if (writes) write_frames(life, asking, asking_bytes, pause_us);
  else read_frames(asking, asking_bytes, pause_us);
  return 0;
}

/* @returns the pid of a peer that has ended, its status as waitpid(2) tells; 0 or less: none has */
int reap(int *status) {
  return waitpid(-1, status, WNOHANG);
}
