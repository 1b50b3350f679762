#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct message {
  int verb;
  int value;
};

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

int clinux_guardian_tell(int socket, enum clinux_guardian_verb verb, int value, int fd) {
  struct message message = {verb, value};
  struct iovec part = {&message, sizeof message};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  union control control;
  if (fd >= 0) {
    memset(&control, 0, sizeof control);
    packet.msg_control = &control;
    packet.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (sendmsg(socket, &packet, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// False at the end: the runner is gone.
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

enum { MOST_WORKERS = 1024 };
static int groups[MOST_WORKERS];
static struct { int number, fd; } pipes[MOST_WORKERS];

static void note(const struct message *message, int fd) {
  for (int i = 0; i < MOST_WORKERS; i++) {
    switch (message->verb) {
    case CLINUX_GUARD_GROUP:
      if (groups[i] == 0) {
        groups[i] = message->value;
        return;
      }
      break;
    case CLINUX_FORGET_GROUP:
      if (groups[i] == message->value) groups[i] = 0;
      break;
    case CLINUX_HOLD_PIPE:
      if (pipes[i].fd == 0) {
        pipes[i].number = message->value;
        pipes[i].fd = fd;
        return;
      }
      break;
    case CLINUX_RELEASE_PIPE:
      if (pipes[i].fd != 0 && pipes[i].number == message->value) {
        close(pipes[i].fd);
        pipes[i].fd = 0;
      }
      break;
    }
  }
}

// The pipes stay open until the groups are dead: a worker must not take our end for the end of its input.
static _Noreturn void guard(int socket) {
  struct message message;
  int fd;
  while (receive(socket, &message, &fd)) note(&message, fd);
  for (int i = 0; i < MOST_WORKERS; i++) {
    if (groups[i] != 0) kill(-groups[i], SIGKILL);
  }
  _exit(0);
}

// Leaves the guardian nothing of ours but its socket: above all not the broker's, whose closing tells the broker that we died.
static int keep_only(int socket) {
  const int kept = STDERR_FILENO + 1;
  const int null = open("/dev/null", O_RDWR);
  for (int standard = 0; standard < kept; standard++) {
    if (null < 0 || dup2(null, standard) < 0) close(standard);
  }
  if (socket != kept) dup2(socket, kept);
  if (syscall(SYS_close_range, kept + 1, ~0U, 0) != 0) {
    for (int fd = kept + 1, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++) close(fd);
  }
  return kept;
}

pid_t clinux_guardian_start(int *socket) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    // A session of its own: what is sent to our group, or comes with our terminal's end, passes it by.
    setsid();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "amqp-job-guard", 0, 0, 0);
    guard(keep_only(ends[1]));
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return -1;
  }
  *socket = ends[0];
  return child;
}
