#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

// One message: a pipe's number, with its descriptor to hold it, without to release it.
static int tell(int socket, int number, int fd) {
  struct iovec part = {&number, sizeof number};
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

int clinux_guardian_hold(int socket, int number, int fd) { return tell(socket, number, fd); }

int clinux_guardian_release(int socket, int number) { return tell(socket, number, -1); }

// False at the end: the runner is gone.
static bool receive(int socket, int *number, int *fd) {
  union control control;
  struct iovec part = {number, sizeof *number};
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1,
                          .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do {
    length = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
  } while (length < 0 && errno == EINTR);
  if (length != sizeof *number) return false;

  *fd = -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
  if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
    memcpy(fd, CMSG_DATA(header), sizeof *fd);
  }
  return true;
}

static struct { int number, fd; } pipes[CLINUX_MOST_GROUPS];

static void note(int number, int fd) {
  for (int i = 0; i < CLINUX_MOST_GROUPS; i++) {
    if (fd >= 0 && pipes[i].fd == 0) {
      pipes[i].number = number;
      pipes[i].fd = fd;
      return;
    }
    if (fd < 0 && pipes[i].fd != 0 && pipes[i].number == number) {
      close(pipes[i].fd);
      pipes[i].fd = 0;
      return;
    }
  }
}

// The pipes stay open until the groups are dead: a worker must not take our end for the end of its input.
static _Noreturn void guard(int socket, volatile pid_t *groups) {
  int number, fd;
  while (receive(socket, &number, &fd)) note(number, fd);
  for (int i = 0; i < CLINUX_MOST_GROUPS; i++) {
    if (groups[i] > 0) kill(-groups[i], SIGKILL);
  }
  _exit(0);
}

// Leaves the guardian nothing of ours but its socket: above all not the broker's, whose closing
// tells the broker that we died.
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

int clinux_guardian_start(struct clinux_guardian *guardian) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  void *shared = mmap(NULL, CLINUX_MOST_GROUPS * sizeof(pid_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = shared == MAP_FAILED ? -1 : fork();
  if (child == 0) {
    // A session of its own: what is sent to our group, or comes with our terminal's end, passes it by.
    setsid();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "job-guardian", 0, 0, 0);
    guard(keep_only(ends[1]), shared);
  }
  const int error = errno;
  close(ends[1]);
  if (child < 0) {
    if (shared != MAP_FAILED) munmap(shared, CLINUX_MOST_GROUPS * sizeof(pid_t));
    close(ends[0]);
    return error;
  }
  guardian->pid = child;
  guardian->socket = ends[0];
  guardian->groups = shared;
  return 0;
}
