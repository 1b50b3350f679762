#define _GNU_SOURCE
#include "clinux.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void clinux_set_not_dumpable(void) { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

int clinux_allocate(int fd, off_t size) {
  while (fallocate(fd, 0, 0, size) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int clinux_open_unnamed(const char *directory, mode_t mode) {
  return open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
}

// A file whose format the kernel does not know (ENOEXEC) may be a script without a #! line. An empty file is not a script,
// and neither is a program for another machine.
static bool may_be_script(const char *path) {
  char start[4];
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t count = read(file, start, sizeof start);
  if (file >= 0) close(file);
  return file < 0 || (count > 0 && (count < SELFMAG || memcmp(start, ELFMAG, SELFMAG) != 0));
}

static int reset(int signal, bool ignored) {
  struct sigaction disposition = {.sa_handler = ignored ? SIG_IGN : SIG_DFL};
  return sigaction(signal, &disposition, NULL);
}

// Runs in the child, but in the parent's memory (vfork), so it may only make system calls.
static _Noreturn void become(const struct clinux_spawn *request, pid_t parent,
                             volatile int *error) {
  if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) goto failed;
  if (getppid() != parent) _exit(127); // the parent died before the parent-death signal was set
  // The guardian kills the group at the deadline, but not a group that is entered after that.
  __atomic_store_n(request->guarded_group, getpid(), __ATOMIC_SEQ_CST);
  if (clinux_has_passed(request->deadline)) {
    errno = ETIME;
    goto failed;
  }
  // In the same way it does not kill a group that is entered after it has seen the client leave.
  if (clinux_has_left(request->client_fd)) {
    errno = EPIPE;
    goto failed;
  }
  if (dup2(request->stdin_fd, STDIN_FILENO) < 0) goto failed;
  if (request->stdout_fd >= 0 && dup2(request->stdout_fd, STDOUT_FILENO) < 0) goto failed;
  if (request->stderr_fd >= 0 && dup2(request->stderr_fd, STDERR_FILENO) < 0) goto failed;

  if (reset(SIGPIPE, request->sigpipe_ignored) != 0 || reset(SIGXFSZ, request->sigxfsz_ignored) != 0) goto failed;
  if (sigprocmask(SIG_SETMASK, &request->signal_mask, NULL) != 0) goto failed;

  execve(request->path, request->argv, request->envp);
  if (errno == ENOEXEC) {
    if (may_be_script(request->path)) {
      execve("/bin/sh", request->shell_argv, request->envp);
    } else {
      errno = ENOEXEC;
    }
  }
failed:
  *error = errno;
  _exit(127);
}

pid_t clinux_spawn(const struct clinux_spawn *request, int *error) {
  volatile int child_error = 0;
  const pid_t parent = getpid();
  const pid_t child = vfork();
  if (child == 0) become(request, parent, &child_error);
  if (child < 0) {
    *error = errno;
    return -1;
  }
  if (child_error != 0) {
    *request->guarded_group = 0;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
    *error = child_error;
    return -1;
  }
  return child;
}
