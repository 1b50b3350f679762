#define _GNU_SOURCE
#include "clinux.h"
#include "packets.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(CLINUX_MAX_PASSED * sizeof(int))];
};

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_accept(int socket) { return accept4(socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int send_packet(int socket, const struct clinux_packet *packet, int flags) {
  struct iovec part = {packet->bytes, packet->count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  union control control;
  if (packet->descriptor_count > 0) {
    const size_t size = (size_t)packet->descriptor_count * sizeof(int);
    memset(&control, 0, sizeof control);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(header), packet->descriptors, size);
  }
  while (sendmsg(socket, &message, MSG_NOSIGNAL | flags) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int clinux_send_packet(int socket, const struct clinux_packet *packet) {
  return send_packet(socket, packet, MSG_DONTWAIT);
}

static void take_descriptors(struct msghdr *message, struct clinux_packet *packet) {
  packet->descriptor_count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    packet->descriptor_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(packet->descriptors, CMSG_DATA(header), (size_t)packet->descriptor_count * sizeof(int));
  }
}

int clinux_receive_packet(int socket, struct clinux_packet *packet) {
  union control control;
  struct iovec part = {packet->bytes, packet->count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t length;
  do {
    length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (length < 0 && errno == EINTR);
  packet->descriptor_count = 0;
  if (length < 0) return errno;
  take_descriptors(&message, packet);
  packet->count = (size_t)length;
  // The kernel closes the descriptors that find no room.
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0) return 0;
  for (int i = 0; i < packet->descriptor_count; i++) close(packet->descriptors[i]);
  packet->descriptor_count = 0;
  return EMSGSIZE;
}
