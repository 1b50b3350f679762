#ifndef CLINUX_H
#define CLINUX_H

// What Swift cannot call or express: vfork with the steps between it and exec, a forked process that must not run
// Swift, variadic system calls, and Linux's own. Everything else is in the Linux target, in Swift.

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

struct clinux_spawn {
  const char *path;
  char *_Nullable const *_Nonnull argv;
  // Used where the kernel knows no format for the file (ENOEXEC), as execvp does: /bin/sh, the path, the arguments.
  char *_Nullable const *_Nonnull shell_argv;
  char *_Nullable const *_Nonnull envp;
  int stdin_fd;
  // -1 for ours.
  int stderr_fd;
  // Where the child writes its process group before the program runs, for the guardian to read.
  volatile pid_t *guarded_group;
  // What the child gets back, as we found it.
  sigset_t signal_mask;
  bool sigpipe_ignored;
  bool sigxfsz_ignored;
};

// Starts a program as the leader of a process group of its own, killed when the calling thread ends.
// Returns its process id, or -1 with errno in *error.
pid_t clinux_spawn(const struct clinux_spawn *request, int *error);

enum { CLINUX_MOST_GROUPS = 1024 };

// A process that outlives ours by an instant, to kill process groups, and to hold pipes open until it has.
struct clinux_guardian {
  pid_t pid;
  int socket;
  // Shared with the guardian, which looks when we are gone: the process groups to kill, 0 for none.
  volatile pid_t *_Nullable groups;
};

// Returns 0, or an errno.
int clinux_guardian_start(struct clinux_guardian *guardian);

// Has the guardian hold a pipe, by any number; returns 0, or an errno.
int clinux_guardian_hold(int socket, int number, int fd);
int clinux_guardian_release(int socket, int number);

// Has the guardian kill this process, too, a child of ours that has not been reaped, whatever group it is in then. `place`
// is its group's, counted from the first. Returns 0, or an errno: ENOSYS where the kernel has no pidfd_open(2) (before 5.3).
int clinux_guardian_watch(int socket, int place, pid_t process);

// pipe2(2) with O_CLOEXEC; returns 0, or an errno.
int clinux_pipe(int ends[_Nonnull 2]);

// fallocate(2): reserves a file's space; returns 0, or an errno.
int clinux_allocate(int fd, off_t size);

// open(2) with O_TMPFILE, for writing: a file without a name, in a directory. Returns its descriptor, or -1.
int clinux_open_unnamed(const char *directory, mode_t mode);

// The arguments of this process, its name first.
int clinux_argument_count(void);
// Of an index below their number. Its bytes may be overwritten.
char *_Nonnull clinux_argument(int index);

// Keeps other processes of the same user from reading our memory and environment in /proc.
void clinux_set_not_dumpable(void);

#pragma clang assume_nonnull end

#endif
