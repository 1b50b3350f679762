/* Runs a command, and writes the most that it, or a process that it waited for, held in memory, in kB. Its own parent's
   memory would be counted, too, until the command is executed: so that parent is to be small, as this one is. */

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
  pid_t child = count > 1 ? fork() : -1;
  if (child == 0) {
    execvp(words[1], words + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) != child) return 70;
  printf("%ld\n", usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
