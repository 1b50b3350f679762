#ifndef CLINUX_H
#define CLINUX_H

// The parts that Swift cannot call or express: vfork and the steps between it and exec, a forked process that must not run
// Swift, variadic functions, and functions that only exist on Linux. Everything else is in the Linux target, in Swift.

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

struct clinux_spawn {
  const char *path;
  char *_Nullable const *_Nonnull argv;
  // The arguments of /bin/sh, which runs the file if the kernel does not know its format (ENOEXEC), as in execvp.
  char *_Nullable const *_Nonnull shell_argv;
  char *_Nullable const *_Nonnull envp;
  int stdin_fd;
  // -1 for the standard output, or the standard error, of this process.
  int stdout_fd;
  int stderr_fd;
  // The entry of the guardian's table in which the child writes its process group before the program runs.
  volatile pid_t *guarded_group;
  // The socket to the client for which the program runs, or -1. It is not started if the client has left (EPIPE).
  int client_fd;
  // The guardian's deadline, after which no program is started (ETIME).
  const volatile int64_t *deadline;
  // The signal mask that the child gets.
  sigset_t signal_mask;
  bool sigpipe_ignored;
  bool sigxfsz_ignored;
};

// Starts a program as the leader of a new process group. The program is killed when the calling thread ends.
// Returns its process id, or -1 and the errno in *error.
pid_t clinux_spawn(const struct clinux_spawn *request, int *error);

enum { CLINUX_MAX_GROUPS = 1024, CLINUX_MAX_CLIENTS = 64 };

// A process that briefly outlives this one. It kills process groups, and keeps pipes open until it has.
struct clinux_guardian {
  pid_t pid;
  int socket;
  // The process groups to kill, and 0 for unused entries. The table is in memory that the guardian shares; it reads the
  // table when this process has ended, and at the deadline.
  volatile pid_t *_Nullable groups;
  // The clients of the groups, by the index of these; 0 for none. To be set before the group is.
  volatile int *_Nullable clients;
  // When the guardian kills the groups although this process has not ended, in nanoseconds of CLOCK_BOOTTIME; 0 for never.
  volatile int64_t *_Nullable deadline;
};

// Returns 0, or an errno. The guardian removes `file` whenever it kills the groups.
int clinux_guardian_start(struct clinux_guardian *guardian, const char *_Nullable file);

// Unmaps the shared memory.
void clinux_guardian_forget(struct clinux_guardian *guardian);

// Sets the deadline. It is kept even while this process is stopped.
void clinux_guardian_set_deadline(int socket, volatile int64_t *deadline, int64_t time);

// Whether there is a deadline, and it has passed.
bool clinux_has_passed(const volatile int64_t *deadline);

// The time of CLOCK_BOOTTIME in nanoseconds. It includes the time during which the host slept.
int64_t clinux_boottime(void);

// Makes the guardian hold a pipe open until it is released under the same number. Returns 0, or an errno.
int clinux_guardian_hold(int socket, int number, int fd);
int clinux_guardian_release(int socket, int number);

// Makes the guardian also kill this process itself, whatever group it is in by then. The process must be a child that has
// not been reaped. `index` is the index of its group in the table. Returns 0, or an errno, which is ENOSYS if the kernel is
// older than 5.3 and lacks pidfd_open(2).
int clinux_guardian_watch(int socket, int index, pid_t process);

// Makes the guardian kill the groups of a client, a number of the caller's choice, when the other end of its socket is closed,
// although this process has not ended. The guardian keeps the socket open until it is told to forget the client. Returns 0, or
// an errno.
int clinux_guardian_watch_client(int socket, int number, int fd);
int clinux_guardian_forget_client(int socket, int number);

// Whether the other end of a client's socket is closed. -1 stands for no client.
bool clinux_has_left(int client);

// Calls pipe2(2) with O_CLOEXEC. Returns 0, or an errno.
int clinux_pipe(int ends[_Nonnull 2]);

// Reserves disk space for a file with fallocate(2). Returns 0, or an errno.
int clinux_allocate(int fd, off_t size);

// Opens a file without a name in a directory for writing, with O_TMPFILE. Returns its descriptor, or -1.
int clinux_open_unnamed(const char *directory, mode_t mode);

// Makes a file in memory that no other process can open by a name. Returns its descriptor, or -1.
int clinux_memory_file(const char *name);

// Removes a directory with everything in it. Links are removed, and not followed.
void clinux_remove_tree(const char *path);

enum { CLINUX_MAX_PASSED = 4 };

// A packet of a SOCK_SEQPACKET socket, with descriptors that are passed with it (SCM_RIGHTS).
struct clinux_packet {
  void *bytes;
  size_t count;
  int descriptors[CLINUX_MAX_PASSED];
  int descriptor_count;
};

// Calls accept4(2) with SOCK_CLOEXEC and SOCK_NONBLOCK. Returns the descriptor, or -1.
int clinux_accept(int socket);

// Sends a packet without waiting. Returns 0, or an errno.
int clinux_send_packet(int socket, const struct clinux_packet *packet);

// Receives a packet without waiting. `count` is the room for bytes; afterwards it is their number, which is 0 when the peer
// has closed its socket. Returns 0, or an errno, which is EMSGSIZE for a packet that is larger than the room or passes too
// many descriptors. After an error no descriptor is left open.
int clinux_receive_packet(int socket, struct clinux_packet *packet);

// The number of arguments of this process, including the program's name.
int clinux_argument_count(void);
// An argument of this process. The index must be below the count. The bytes may be overwritten.
char *_Nonnull clinux_argument(int index);

// Prevents other processes of the same user from reading the memory and environment of this process in /proc.
void clinux_set_not_dumpable(void);

#pragma clang assume_nonnull end

#endif
