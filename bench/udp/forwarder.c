/*
 * The measure for the udp backend's forwarder: the same design in C. One thread; a tap device with offload headers, so
 * that one read or write is up to 64 KiB of TCP; cutting and joining of TCP segments in the program; UDP_SEGMENT and
 * UDP_GRO on the socket. One peer, whoever the frames are for. Built by udp.bench.ts; ends with its parent.
 *
 * usage: forwarder DEVICE OWN-MAC PEER-MAC LOCAL-IPV4 PEER-IPV4 PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#define SOL_UDP_LEVEL 17
#define VNET 10
#define ETHERNET 14
#define FRAMES 8
#define FRAME (VNET + ETHERNET + 65536 + 64)
#define MOST_SEGMENTS 64
#define MOST_BYTES 65000

static int tap, sock;
static uint8_t own_mac[6], peer_mac[6];
static struct sockaddr_in peer;

/* Sums in the machine's byte order, as in RFC 1071. */
static uint64_t add(const uint8_t *bytes, size_t length, uint64_t sum) {
  while (length >= 4) {
    uint32_t word;
    memcpy(&word, bytes, 4);
    sum += word;
    bytes += 4;
    length -= 4;
  }
  if (length >= 2) {
    uint16_t half;
    memcpy(&half, bytes, 2);
    sum += half;
    bytes += 2;
    length -= 2;
  }
  if (length) sum += *bytes;
  return sum;
}

static uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

static uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t read32(const uint8_t *at) { return (uint32_t)read16(at) << 16 | read16(at + 2); }
static void write16(uint8_t *at, uint32_t value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}
static void write32(uint8_t *at, uint32_t value) {
  write16(at, value >> 16);
  write16(at + 2, value & 0xffff);
}
static void write_native(uint8_t *at, uint16_t value) { memcpy(at, &value, 2); }

/* The pseudo-header of TCP over IPv4; this measure carries no other family. */
static uint64_t pseudo(const uint8_t *ip, size_t length) {
  return add(ip + 12, 8, 0) + htons(6) + htons((uint16_t)length);
}

/* ---- device to socket ---- */

static struct mmsghdr messages[64];
static struct iovec pieces[4096];
static struct {
  struct cmsghdr header;
  uint16_t size;
} __attribute__((aligned(8))) controls[64];
static int message_count, piece_count, first_piece, packets, closed = 1;
static size_t size, total;

static void end_message(void) {
  if (!packets) return;
  struct msghdr *header = &messages[message_count - 1].msg_hdr;
  header->msg_iov = &pieces[first_piece];
  header->msg_iovlen = (size_t)(piece_count - first_piece);
  if (packets > 1) {
    controls[message_count - 1].header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(2), .cmsg_level = SOL_UDP_LEVEL, .cmsg_type = UDP_SEGMENT};
    controls[message_count - 1].size = (uint16_t)size;
    header->msg_control = &controls[message_count - 1];
    header->msg_controllen = CMSG_SPACE(2);
  }
  packets = 0;
  closed = 1;
}

static void flush(void) {
  end_message();
  for (int sent = 0; sent < message_count;) {
    int done = sendmmsg(sock, messages + sent, (unsigned)(message_count - sent), 0);
    if (done > 0) sent += done;
    else if (errno != EINTR) sent++;
  }
  message_count = piece_count = 0;
}

static void packet(size_t length) {
  if (!closed && length <= size && packets < MOST_SEGMENTS && total + length <= MOST_BYTES && piece_count + 2 <= 4096) {
    packets++;
    total += length;
    closed = length < size;
    return;
  }
  end_message();
  if (message_count == 64 || piece_count + 2 > 4096) flush();
  memset(&messages[message_count], 0, sizeof messages[0]);
  messages[message_count].msg_hdr.msg_name = &peer;
  messages[message_count].msg_hdr.msg_namelen = sizeof peer;
  message_count++;
  first_piece = piece_count;
  size = total = length;
  packets = 1;
  closed = 0;
}

static void piece(uint8_t *at, size_t length) { pieces[piece_count++] = (struct iovec){at, length}; }

static uint8_t *cut(uint8_t *ip, uint8_t *tcp, uint8_t *end, size_t step, uint8_t *header) {
  uint8_t *first = tcp + (tcp[12] >> 4) * 4;
  size_t headers = (size_t)(first - ip);
  uint32_t sequence = read32(tcp + 4);
  int index = 0;
  for (uint8_t *from = first; from < end; from += step, index++) {
    size_t payload = (size_t)(end - from) < step ? (size_t)(end - from) : step;
    memcpy(header, ip, headers);
    uint8_t *segment = header + (tcp - ip);
    write32(segment + 4, sequence + (uint32_t)(from - first));
    if (from + payload < end) segment[13] &= (uint8_t)~0x09;
    if (index) segment[13] &= 0x7f;
    write16(header + 2, (uint32_t)(headers + payload));
    write16(header + 4, (uint32_t)(read16(header + 4) + index) & 0xffff);
    write_native(header + 10, 0);
    write_native(header + 10, (uint16_t)~fold(add(header, 20, 0)));
    write_native(segment + 16, fold(pseudo(header, headers - 20 + payload)));
    uint64_t sum = add(segment, headers - 20, 0);
    write_native(segment + 16, (uint16_t)~fold(add(from, payload, sum)));
    packet(headers + payload);
    piece(header, headers);
    piece(from, payload);
    header += headers;
  }
  return header;
}

static void from_device(void) {
  static uint8_t frames[FRAMES][FRAME] __attribute__((aligned(64)));
  static uint8_t header_room[FRAMES * 200000];
  uint8_t *header = header_room;
  for (int index = 0; index < FRAMES; index++) {
    uint8_t *frame = frames[index];
    ssize_t length = read(tap, frame, FRAME);
    if (length < VNET + ETHERNET + 20) break;
    struct virtio_net_hdr vnet;
    memcpy(&vnet, frame, VNET);
    uint8_t *ethernet = frame + VNET, *ip = ethernet + ETHERNET, *end = frame + length;
    if (memcmp(ethernet, peer_mac, 6) != 0) continue;
    uint8_t *start = ethernet + vnet.csum_start;
    if ((vnet.gso_type & 0x7f) == VIRTIO_NET_HDR_GSO_TCPV4) {
      header = cut(ip, start, end, vnet.gso_size, header);
      continue;
    }
    if (vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
      write_native(start + vnet.csum_offset, (uint16_t)~fold(add(start, (size_t)(end - start), 0)));
    packet((size_t)(end - ip));
    piece(ip, (size_t)(end - ip));
  }
  flush();
}

/* ---- socket to device ---- */

static struct iovec joined[130];
static int joined_count, joined_closed;
static size_t joined_length, joined_payload;
static uint32_t next_sequence;
static uint8_t *joined_ip;

static void deliver(void) {
  static uint8_t prefix[VNET + ETHERNET];
  if (!joined_count) return;
  struct virtio_net_hdr vnet = {0};
  if (joined_count > 1) {
    uint8_t *tcp = joined_ip + 20;
    write16(joined_ip + 2, (uint32_t)joined_length);
    write_native(joined_ip + 10, 0);
    write_native(joined_ip + 10, (uint16_t)~fold(add(joined_ip, 20, 0)));
    write_native(tcp + 16, fold(pseudo(joined_ip, joined_length - 20)));
    vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    vnet.hdr_len = (uint16_t)(ETHERNET + joined[1].iov_len - joined_payload);
    vnet.gso_size = (uint16_t)joined_payload;
    vnet.csum_start = ETHERNET + 20;
    vnet.csum_offset = 16;
  }
  memcpy(prefix, &vnet, VNET);
  memcpy(prefix + VNET, own_mac, 6);
  memcpy(prefix + VNET + 6, peer_mac, 6);
  write16(prefix + VNET + 12, 0x0800);
  joined[0] = (struct iovec){prefix, sizeof prefix};
  if (writev(tap, joined, joined_count + 1) < 0 && errno == EBADFD) errx(1, "the device is gone");
  joined_count = 0;
}

static int plain_tcp(const uint8_t *ip, size_t length) {
  if (length < 40 || ip[0] != 0x45 || ip[9] != 6 || (ip[6] & 0xbf) || ip[7] || read16(ip + 2) != length) return 0;
  const uint8_t *tcp = ip + 20;
  size_t header = (size_t)(tcp[12] >> 4) * 4;
  if (header < 20 || 20 + header >= length || (tcp[13] & ~0x08) != 0x10) return 0;
  return fold(add(tcp, length - 20, pseudo(ip, length - 20))) == 0xffff;
}

static int same_stream(const uint8_t *a, const uint8_t *b, size_t header) {
  return a[1] == b[1] && a[8] == b[8] && !memcmp(a + 12, b + 12, 12) && !memcmp(a + 28, b + 28, 5) &&
         !memcmp(a + 34, b + 34, 2) && !memcmp(a + 38, b + 38, header - 38);
}

static void join(uint8_t *ip, size_t length) {
  if (!plain_tcp(ip, length)) {
    deliver();
    joined[1] = (struct iovec){ip, length};
    joined_count = 1;
    deliver();
    return;
  }
  size_t header = 20 + (size_t)(ip[32] >> 4) * 4, payload = length - header;
  if (joined_count && !joined_closed && joined_count < 128 && payload <= joined_payload &&
      joined_length + payload <= 65535 && read32(ip + 24) == next_sequence && same_stream(joined_ip, ip, header)) {
    joined[++joined_count] = (struct iovec){ip + header, payload};
    joined_length += payload;
    next_sequence += (uint32_t)payload;
    joined_ip[33] |= ip[33] & 0x08;
    joined_closed = payload < joined_payload || (ip[33] & 0x08);
    return;
  }
  deliver();
  joined_ip = ip;
  joined_count = 1;
  joined[1] = (struct iovec){ip, length};
  joined_length = length;
  joined_payload = payload;
  next_sequence = read32(ip + 24) + (uint32_t)payload;
  joined_closed = ip[33] & 0x08;
}

static void from_socket(void) {
  static uint8_t datagrams[8][65536];
  static struct {
    struct cmsghdr header;
    int size;
  } __attribute__((aligned(8))) received[8];
  static struct sockaddr_in names[8];
  struct mmsghdr arrived[8] = {0};
  struct iovec room[8];
  for (int index = 0; index < 8; index++) {
    room[index] = (struct iovec){datagrams[index], sizeof datagrams[index]};
    arrived[index].msg_hdr = (struct msghdr){.msg_name = &names[index],
                                             .msg_namelen = sizeof names[index],
                                             .msg_iov = &room[index],
                                             .msg_iovlen = 1,
                                             .msg_control = &received[index],
                                             .msg_controllen = sizeof received[index]};
  }
  int count = recvmmsg(sock, arrived, 8, MSG_DONTWAIT, NULL);
  for (int index = 0; index < count; index++) {
    if (names[index].sin_addr.s_addr != peer.sin_addr.s_addr || names[index].sin_port != peer.sin_port) continue;
    size_t length = arrived[index].msg_len, step = length;
    if (arrived[index].msg_hdr.msg_controllen >= sizeof(struct cmsghdr) + 4 && received[index].header.cmsg_type == UDP_GRO)
      step = (size_t)received[index].size;
    for (size_t at = 0; at < length; at += step)
      join(datagrams[index] + at, length - at < step ? length - at : step);
    deliver();
  }
}

static void parse_mac(const char *text, uint8_t *mac) {
  if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
    errx(2, "%s is no hardware address", text);
}

int main(int count, char **values) {
  if (count != 7) errx(2, "usage: forwarder DEVICE OWN-MAC PEER-MAC LOCAL-IPV4 PEER-IPV4 PORT");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  parse_mac(values[2], own_mac);
  parse_mac(values[3], peer_mac);
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(values[6]))};
  peer = local;
  inet_pton(AF_INET, values[4], &local.sin_addr);
  inet_pton(AF_INET, values[5], &peer.sin_addr);

  struct ifreq request = {0};
  strncpy(request.ifr_name, values[1], IFNAMSIZ - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0) err(1, "tun device %s", values[1]);
  if (ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0) err(1, "offloads");

  int on = 1, buffer = 8 << 20, off = 0;
  sock = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(sock, SOL_UDP_LEVEL, UDP_GRO, &on, sizeof on);
  setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  setsockopt(sock, IPPROTO_IP, IP_MTU_DISCOVER, &off, sizeof off);
  if (bind(sock, (struct sockaddr *)&local, sizeof local) < 0) err(1, "bind");

  puts("ready");
  fflush(stdout);
  struct pollfd fds[] = {{tap, POLLIN, 0}, {sock, POLLIN, 0}};
  while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
    if (fds[0].revents) from_device();
    if (fds[1].revents) from_socket();
  }
  return 1;
}
