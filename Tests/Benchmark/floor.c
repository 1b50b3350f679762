/* floor COUNT ITEM WORKER [ARGUMENT...]: runs the worker COUNT times, one after another, with ITEM as its standard input.
   This is the minimum that every runner has to do, without a broker. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int serve(const char *item, char **worker) {
  int ends[2], status;
  pid_t child;
  posix_spawn_file_actions_t actions;
  if (pipe2(ends, O_CLOEXEC) || posix_spawn_file_actions_init(&actions) ||
      posix_spawn_file_actions_adddup2(&actions, ends[0], 0) ||
      posix_spawnp(&child, worker[0], &actions, NULL, worker, environ))
    return 1;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  ssize_t written = write(ends[1], item, strlen(item));
  close(ends[1]);
  return written < 0 || waitpid(child, &status, 0) != child || status;
}

int main(int count, char **words) {
  if (count < 4) return 64;
  for (long left = atol(words[1]); left > 0; left--)
    if (serve(words[2], words + 3)) return 1;
}
