/* A peer that dies while the library writes to it must not kill a host that left SIGPIPE alone. */
#include "host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

static void put_u32(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16);
    p[2] = (unsigned char)(v >> 8);
    p[3] = (unsigned char)v;
}

/* Handshakes, waits to be unchoked, asks for many blocks and resets the connection. Returns 1 when
 * blocks had begun to come. */
static int die_rudely(uint16_t port, const unsigned char *info_hash, int number)
{
    struct sockaddr_in addr;
    struct linger linger = {1, 0};
    struct timeval limit = {20, 0};
    unsigned char out[68 + 5], in[65536], request[17];
    ssize_t got, total = 0, i;
    int fd = socket(AF_INET, SOCK_STREAM, 0), unchoked = 0;
    memset(&addr, 0, sizeof addr);
    addr.sin_family = AF_INET;
    addr.sin_port = htons(port);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    out[0] = 19;
    memcpy(out + 1, "BitTorrent protocol", 19);
    memset(out + 20, 0, 8);
    memcpy(out + 28, info_hash, 20);
    /* Each time another peer: a second connection of the same one is refused while it lasts. */
    memcpy(out + 48, "-XX0001-abcdefghijk", 19);
    out[67] = (unsigned char)('a' + number);
    put_u32(out + 68, 1);
    out[72] = 2; /* interested */
    CHECK(send(fd, out, sizeof out, MSG_NOSIGNAL) == (ssize_t)sizeof out);
    /* The handshake, a bitfield, and at some time an unchoke: 00 00 00 01 01. */
    while (!unchoked && (got = recv(fd, in + total, sizeof in - (size_t)total, 0)) > 0) {
        total += got;
        for (i = 68; i + 5 <= total; i++)
            if (memcmp(in + i, "\0\0\0\1\1", 5) == 0)
                unchoked = 1;
    }
    CHECK(unchoked);
    for (i = 0; i < 200; i++) {
        put_u32(request, 13);
        request[4] = 6;
        put_u32(request + 5, (uint32_t)(i / 2));
        put_u32(request + 9, (uint32_t)(i % 2) * 16384);
        put_u32(request + 13, 16384);
        if (send(fd, request, sizeof request, MSG_NOSIGNAL) < 0)
            break;
    }
    got = recv(fd, in, 1000, 0);
    /* An abortive close: the next write of the other side meets a reset. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
    return got > 0;
}

int main(void)
{
    struct sigaction action;
    tern_session *session = make_session();
    tern_metainfo *torrent = make_torrent("big", 8 << 20);
    tern_torrent *seed = add_torrent(session, make_add(torrent, "seed", NULL));
    uint16_t port = 0;
    int i, served = 0;
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    wait_finished(session, seed);
    OK(tern_session_listen_port(session, &port, err));
    for (i = 0; i < 5; i++)
        served += die_rudely(port, tern_metainfo_info_hash(torrent).ptr, i);
    CHECK(served == 5);
    pump_until(session, TERN_EVENT_PEER_DISCONNECTED, NULL);
    CHECK(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    OK(tern_session_close(session, PATIENCE_MS, NULL, err));
    tern_torrent_release(seed);
    tern_session_release(session);
    tern_metainfo_free(torrent);
    return 0;
}
