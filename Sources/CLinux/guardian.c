#define _GNU_SOURCE
#include "clinux.h"
#include "packets.h"

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

// The kind of descriptor that a message to the guardian is about.
enum kind { PIPE, PROCESS };

// A message to the guardian. A PIPE message has an arbitrary number that identifies the pipe; it carries a descriptor to
// hold the pipe, and none to release it. A PROCESS message has the index of the process's group, and carries a pidfd.
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

static struct { int number, fd; } pipes[CLINUX_MAX_GROUPS];
// The pidfds of the group leaders, by the index of their groups; 0 for none. A pidfd never refers to another process, even
// if its process has ended.
static int processes[CLINUX_MAX_GROUPS];

static void note_pipe(int number, int fd) {
  for (int i = 0; i < CLINUX_MAX_GROUPS; i++) {
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

static void note_process(int index, int fd) {
  if (processes[index] > 0) close(processes[index]);
  processes[index] = fd > 0 ? fd : 0;
}

// The pipes stay open until the groups are killed, so that no worker reads the end of a pipe as the end of its input.
static _Noreturn void guard(int socket, volatile pid_t *groups) {
  struct message message;
  int fd;
  while (receive(socket, &message, &fd)) {
    if (message.kind == PROCESS) {
      note_process(message.number, fd);
    } else {
      note_pipe(message.number, fd);
    }
  }
  for (int i = 0; i < CLINUX_MAX_GROUPS; i++) {
    if (groups[i] > 0) kill(-groups[i], SIGKILL);
    // The leader may have left its group. Its parent-death signal is cleared if it changes its user id.
    if (processes[i] > 0) syscall(SYS_pidfd_send_signal, processes[i], SIGKILL, NULL, 0);
  }
  _exit(0);
}

// Closes all descriptors of the guardian except its socket. If the guardian kept the socket to the broker open, the broker
// would not notice that the guarded process has died.
static int keep_only(int socket) {
  const int kept = STDERR_FILENO + 1;
  int null = open("/dev/null", O_RDWR);
  // The standard streams stay occupied, because a pipe with the descriptor 0 would count as none in the table.
  if (null < 0) null = open("/", O_RDONLY);
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
  void *shared = mmap(NULL, CLINUX_MAX_GROUPS * sizeof(pid_t), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = shared == MAP_FAILED ? -1 : fork();
  if (child == 0) {
    // In its own session the guardian gets no signals that are sent to the parent's group or come from its terminal.
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
    if (shared != MAP_FAILED) munmap(shared, CLINUX_MAX_GROUPS * sizeof(pid_t));
    close(ends[0]);
    return error;
  }
  guardian->pid = child;
  guardian->socket = ends[0];
  guardian->groups = shared;
  return 0;
}
