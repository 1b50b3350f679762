#define _GNU_SOURCE
#include "clinux.h"
#include "packets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

// What a message to the guardian is about.
enum kind { PIPE, PROCESS, DEADLINE, CLIENT };

// A message to the guardian. A PIPE message has an arbitrary number that identifies the pipe; it carries a descriptor to
// hold the pipe, and none to release it. A PROCESS message has the index of the process's group, and carries a pidfd. A
// DEADLINE message says that the deadline in the shared memory has changed. A CLIENT message has the number of the client;
// it carries the socket to the client, and none if the client is to be forgotten.
struct message { enum kind kind; int number; };

static int send_message(int socket, struct message message, int fd, int flags) {
  const struct clinux_packet packet = {
      .bytes = &message, .count = sizeof message, .descriptors = {fd}, .descriptor_count = fd >= 0};
  return send_packet(socket, &packet, flags);
}

int clinux_guardian_hold(int socket, int number, int fd) {
  return send_message(socket, (struct message){PIPE, number}, fd, 0);
}

int clinux_guardian_release(int socket, int number) {
  return send_message(socket, (struct message){PIPE, number}, -1, 0);
}

// As with processes, a guardian that somebody stopped must not block this process.
int clinux_guardian_watch_client(int socket, int number, int fd) {
  return send_message(socket, (struct message){CLIENT, number}, fd, MSG_DONTWAIT);
}

int clinux_guardian_forget_client(int socket, int number) {
  return send_message(socket, (struct message){CLIENT, number}, -1, MSG_DONTWAIT);
}

bool clinux_has_left(int client) {
  struct pollfd entry = {.fd = client};
  return client >= 0 && poll(&entry, 1, 0) > 0;
}

int64_t clinux_boottime(void) {
  struct timespec time;
  clock_gettime(CLOCK_BOOTTIME, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool clinux_has_passed(const volatile int64_t *deadline) {
  const int64_t time = __atomic_load_n(deadline, __ATOMIC_SEQ_CST);
  return time != 0 && clinux_boottime() >= time;
}

void clinux_guardian_set_deadline(int socket, volatile int64_t *deadline, int64_t time) {
  __atomic_store_n(deadline, time, __ATOMIC_SEQ_CST);
  // A message that a stopped guardian leaves no room for is not needed: another one waits there.
  send_message(socket, (struct message){DEADLINE, 0}, -1, MSG_DONTWAIT);
}

int clinux_guardian_watch(int socket, int index, pid_t process) {
  const int fd = (int)syscall(SYS_pidfd_open, process, 0);
  if (fd < 0) return errno;
  // A guardian that does not read, because somebody stopped it, must not block this process. It then guards the group only.
  const int error = send_message(socket, (struct message){PROCESS, index}, fd, MSG_DONTWAIT);
  close(fd);
  return error;
}

// Returns false if the guarded process has ended or has dismissed the guardian.
static bool receive(int socket, struct message *message, int *fd) {
  union control control;
  struct iovec part = {message, sizeof *message};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1,
                          .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do {
    length = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
  } while (length < 0 && errno == EINTR);
  if (length != sizeof *message) return false;

  *fd = -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
    memcpy(fd, CMSG_DATA(header), sizeof *fd);
  }
  return true;
}

// A descriptor that the guardian holds, with the number that the parent gave it. `fd` is 0 in unused entries.
struct held { int number, fd; };

static struct held pipes[CLINUX_MAX_GROUPS];
static struct held clients[CLINUX_MAX_CLIENTS];
// The pidfds of the group leaders, by the index of their groups; 0 for none. A pidfd never refers to another process, even
// if its process has ended.
static int processes[CLINUX_MAX_GROUPS];

static void release(struct held *entry) {
  close(entry->fd);
  entry->fd = 0;
}

static void note_held(struct held *table, int size, int number, int fd) {
  for (int i = 0; i < size; i++) {
    if (fd >= 0 && table[i].fd == 0) {
      table[i] = (struct held){number, fd};
      return;
    }
    if (fd < 0 && table[i].fd != 0 && table[i].number == number) return release(&table[i]);
  }
  if (fd >= 0) close(fd);
}

static void note_process(int index, int fd) {
  if (processes[index] > 0) close(processes[index]);
  processes[index] = fd > 0 ? fd : 0;
}

// The memory that the guardian shares with its parent.
struct shared {
  volatile pid_t groups[CLINUX_MAX_GROUPS];
  volatile int clients[CLINUX_MAX_GROUPS];
  volatile int64_t deadline;
};

static void end_group(struct shared *shared, int index) {
  if (shared->groups[index] > 0) kill(-shared->groups[index], SIGKILL);
  // The leader may have left its group. Its parent-death signal is cleared if it changes its user id.
  if (processes[index] > 0) syscall(SYS_pidfd_send_signal, processes[index], SIGKILL, NULL, 0);
}

static void end_all(struct shared *shared, const char *file) {
  for (int i = 0; i < CLINUX_MAX_GROUPS; i++) end_group(shared, i);
  if (file != NULL) unlink(file);
}

// The client has closed its end. The parent does the same to its groups, unless it is stopped.
static void client_left(struct held *client, struct shared *shared) {
  for (int i = 0; i < CLINUX_MAX_GROUPS; i++) {
    if (shared->clients[i] == client->number) end_group(shared, i);
  }
  release(client);
}

// From the deadline on, the timer expires repeatedly: what begins too late must not last.
static void set_timer(int timer, int64_t time) {
  const struct itimerspec setting = {
      .it_value = {time / 1000000000, time % 1000000000}, .it_interval = {0, time == 0 ? 0 : 50000000}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL);
}

static void timer_expired(int timer, struct shared *shared, const char *file) {
  uint64_t count;
  if (read(timer, &count, sizeof count) < 0) return;
  if (clinux_has_passed(&shared->deadline)) {
    end_all(shared, file);
  } else {
    set_timer(timer, __atomic_load_n(&shared->deadline, __ATOMIC_SEQ_CST));
  }
}

static void handle(struct message message, int fd, int timer, struct shared *shared) {
  switch (message.kind) {
    case PIPE: note_held(pipes, CLINUX_MAX_GROUPS, message.number, fd); break;
    case CLIENT: note_held(clients, CLINUX_MAX_CLIENTS, message.number, fd); break;
    case PROCESS: note_process(message.number, fd); break;
    case DEADLINE: set_timer(timer, __atomic_load_n(&shared->deadline, __ATOMIC_SEQ_CST)); break;
  }
}

// Adds the entries of the clients, and returns how many there are. poll(2) refuses more entries than the process may have
// descriptors. Without events, it reports only that the other end is closed.
static nfds_t add_clients(struct pollfd *entries) {
  nfds_t count = 0;
  for (int i = 0; i < CLINUX_MAX_CLIENTS; i++) {
    if (clients[i].fd > 0) entries[count++] = (struct pollfd){.fd = clients[i].fd};
  }
  return count;
}

// The entries are those of `add_clients`.
static void end_left_clients(const struct pollfd *entries, struct shared *shared) {
  for (int i = 0; i < CLINUX_MAX_CLIENTS; i++) {
    if (clients[i].fd > 0 && (entries++)->revents != 0) client_left(&clients[i], shared);
  }
}

// The pipes stay open until the groups are killed, so that no worker reads the end of a pipe as the end of its input.
static _Noreturn void guard(int socket, int timer, struct shared *shared, const char *file) {
  struct pollfd entries[2 + CLINUX_MAX_CLIENTS] = {{.fd = socket, .events = POLLIN}, {.fd = timer, .events = POLLIN}};
  struct message message;
  int fd;
  for (;;) {
    if (poll(entries, 2 + add_clients(entries + 2), -1) < 0) continue;
    if (entries[1].revents != 0) timer_expired(timer, shared, file);
    end_left_clients(entries + 2, shared);
    if (entries[0].revents == 0) continue;
    if (!receive(socket, &message, &fd)) break;
    handle(message, fd, timer, shared);
  }
  end_all(shared, file);
  _exit(0);
}

enum { SOCKET = STDERR_FILENO + 1, TIMER };

// Closes all descriptors of the guardian except two, which it moves. If the guardian kept the socket to the broker open,
// the broker would not notice that the guarded process has died.
static void keep_only(int socket, int timer) {
  int null = open("/dev/null", O_RDWR);
  // The standard streams stay occupied, because a pipe with the descriptor 0 would count as none in the table.
  if (null < 0) null = open("/", O_RDONLY);
  for (int standard = 0; standard <= STDERR_FILENO; standard++) {
    if (null < 0 || dup2(null, standard) < 0) close(standard);
  }
  // The timer may be where the socket belongs.
  const int moved = fcntl(timer, F_DUPFD, TIMER);
  dup2(socket, SOCKET);
  dup2(moved, TIMER);
  if (syscall(SYS_close_range, TIMER + 1, ~0U, 0) != 0) {
    for (int fd = TIMER + 1, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++) close(fd);
  }
}

static _Noreturn void become_guardian(int socket, int timer, struct shared *shared, const char *file) {
  // In its own session the guardian gets no signals that are sent to the parent's group or come from its terminal.
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  prctl(PR_SET_NAME, "job-guardian", 0, 0, 0);
  keep_only(socket, timer);
  guard(SOCKET, TIMER, shared, file);
}

int clinux_guardian_start(struct clinux_guardian *guardian, const char *file) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  const int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
  struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = timer < 0 || shared == MAP_FAILED ? -1 : fork();
  if (child == 0) become_guardian(ends[1], timer, shared, file);
  const int error = errno;
  close(ends[1]);
  if (timer >= 0) close(timer);
  if (child < 0) {
    if (shared != MAP_FAILED) munmap(shared, sizeof *shared);
    close(ends[0]);
    return error;
  }
  guardian->pid = child;
  guardian->socket = ends[0];
  guardian->groups = shared->groups;
  guardian->clients = shared->clients;
  guardian->deadline = &shared->deadline;
  return 0;
}

void clinux_guardian_forget(struct clinux_guardian *guardian) {
  munmap((void *)guardian->groups, sizeof(struct shared));
}
