/* The session in an event loop that has other things to do: its descriptor beside standard input.
 *
 *     loop FILE.torrent DIR [HOST:PORT ...]
 *
 * Understands the lines `status`, `pause`, `resume` and `quit`; the end of input quits too. Prints
 * `complete` when everything is there, and goes on serving. poll() stands here for whatever a
 * program has: tests/c/loops has the same for glib and libuv.
 */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tern.h"

static tern_session *session;
static tern_torrent *torrent;

/* The descriptor is readable: take what is there without waiting. It is level-triggered, so what is
 * left is announced again; never read from it. */
static void on_events(void)
{
    tern_batch *batch;
    size_t i;
    if (tern_session_take(session, 64, &batch, NULL) != TERN_OK)
        return;
    for (i = 0; i < tern_batch_len(batch); i++) {
        tern_event event;
        if (tern_batch_get(batch, i, &event) != TERN_OK)
            continue;
        if (event.kind == TERN_EVENT_FINISHED)
            printf("complete\n");
        else if (event.event_class == TERN_CLASS_ERROR)
            printf("%s: %.*s\n", tern_event_name(event.kind), (int)event.text.len,
                   (const char *)event.text.ptr);
    }
    tern_batch_free(batch);
    fflush(stdout);
}

static void on_line(const char *line)
{
    tern_status status;
    if (strcmp(line, "pause") == 0)
        tern_torrent_pause(torrent, NULL);
    else if (strcmp(line, "resume") == 0)
        tern_torrent_resume(torrent, NULL);
    else if (strcmp(line, "status") == 0 && tern_torrent_status(torrent, &status, NULL) == TERN_OK)
        printf("%s, %u of %u pieces, %u peers\n", tern_state_name(status.state),
               status.pieces_have, status.pieces_total, status.peers);
    fflush(stdout);
}

/* Reads what there is of standard input; 0 at its end or after `quit`. */
static int on_input(void)
{
    static char buffer[256];
    static size_t filled;
    char *end;
    ssize_t got = read(STDIN_FILENO, buffer + filled, sizeof buffer - 1 - filled);
    if (got <= 0)
        return 0;
    filled += (size_t)got;
    buffer[filled] = 0;
    while ((end = strchr(buffer, '\n')) != NULL) {
        *end = 0;
        if (strcmp(buffer, "quit") == 0)
            return 0;
        on_line(buffer);
        filled -= (size_t)(end + 1 - buffer);
        memmove(buffer, end + 1, filled + 1);
    }
    if (filled == sizeof buffer - 1)
        filled = 0; /* a line that is too long */
    return 1;
}

static int start(int argc, char **argv, tern_error **err)
{
    tern_add *add = tern_add_new();
    int i, result;
    result = tern_session_new(NULL, &session, err);
    result = result ? result : tern_add_set_metainfo_file(add, argv[1], strlen(argv[1]), err);
    result = result ? result : tern_add_set_save_path(add, argv[2], strlen(argv[2]), err);
    for (i = 3; i < argc; i++)
        result = result ? result : tern_add_add_peer(add, argv[i], strlen(argv[i]), err);
    result = result ? result : tern_session_add(session, add, &torrent, err);
    tern_add_free(add);
    return result;
}

int main(int argc, char **argv)
{
    tern_error *err = NULL;
    struct pollfd fds[2];
    if (argc < 3 || start(argc, argv, &err) != TERN_OK) {
        fprintf(stderr, "loop: %s\n",
                err ? tern_error_message(err) : "usage: loop FILE.torrent DIR [HOST:PORT ...]");
        tern_error_free(err);
        return 1;
    }
    fds[0].fd = STDIN_FILENO;
    fds[1].fd = tern_session_event_fd(session);
    fds[0].events = fds[1].events = POLLIN;
    while (poll(fds, 2, -1) > 0) {
        if (fds[1].revents)
            on_events();
        if (fds[0].revents && !on_input())
            break;
    }
    tern_session_close(session, -1, NULL, NULL);
    tern_torrent_release(torrent);
    tern_session_release(session);
    return 0;
}
