// Sends a packet. `flags` are those of sendmsg(2), which may be MSG_DONTWAIT. Returns 0, or an errno.
int send_packet(int socket, const struct clinux_packet *packet, int flags);
