#ifndef CLINUX_H
#define CLINUX_H

// What Swift cannot call or express: vfork with the steps between it and exec, a forked process that must not run
// Swift, and variadic system calls. Everything else is in the Linux target, in Swift.

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
  // The guardian's socket: it learns of the process before the program runs.
  int guardian_fd;
  // What the child gets back, as we found it.
  sigset_t signal_mask;
  bool sigpipe_ignored;
};

// Starts a program as the leader of a process group of its own, killed when the calling thread ends.
// Returns its process id, or -1 with errno in *error.
pid_t clinux_spawn(const struct clinux_spawn *request, int *error);

// A process that outlives ours by an instant, to kill the process groups it was told of, and to hold pipes open until it has.
// Returns its process id and the socket to it, or -1 with errno set.
pid_t clinux_guardian_start(int *socket);

enum clinux_guardian_verb {
  CLINUX_GUARD_GROUP = 1, // value: process group; kill it when we are gone
  CLINUX_FORGET_GROUP = 2,
  CLINUX_HOLD_PIPE = 3, // value: any number; the descriptor comes along
  CLINUX_RELEASE_PIPE = 4,
};

// Returns 0, or an errno. fd: a descriptor to pass along, or -1.
int clinux_guardian_tell(int socket, enum clinux_guardian_verb verb, int value, int fd);

// Keeps other processes of the same user from reading our memory and environment in /proc.
void clinux_set_not_dumpable(void);

#pragma clang assume_nonnull end

#endif
