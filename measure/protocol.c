/* Messages between the measurer and its worker; see protocol.h. */
#define _GNU_SOURCE
#include "measure/protocol.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    MAX_TEXT_BYTES = 1 << 26
};

static bool send_all(int socket, const void *bytes, size_t count) {
    const char *next = bytes;
    while (count > 0) {
        ssize_t sent = send(socket, next, count, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        next += sent;
        count -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int socket, void *bytes, size_t count) {
    char *next = bytes;
    while (count > 0) {
        ssize_t got = recv(socket, next, count, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        next += got;
        count -= (size_t)got;
    }
    return true;
}

bool message_send(int socket, enum message_kind kind, const void *body, size_t body_bytes,
                  const char *text, size_t text_bytes) {
    uint32_t header[3] = {kind, (uint32_t)body_bytes, (uint32_t)text_bytes};
    return send_all(socket, header, sizeof header) && send_all(socket, body, body_bytes) &&
           send_all(socket, text, text_bytes);
}

bool message_receive(int socket, struct message *message) {
    uint32_t header[3];
    char piece[4096];
    text_clear(&message->text);
    if (!receive_all(socket, header, sizeof header) || header[1] > sizeof message->body ||
        header[2] > MAX_TEXT_BYTES)
        return false;
    message->kind = header[0];
    message->body_bytes = header[1];
    message->text_bytes = header[2];
    if (!receive_all(socket, message->body, header[1]))
        return false;
    for (uint32_t left = header[2]; left > 0;) {
        uint32_t bytes = left < sizeof piece ? left : (uint32_t)sizeof piece;
        if (!receive_all(socket, piece, bytes))
            return false;
        text_append_bytes(&message->text, piece, bytes);
        left -= bytes;
    }
    return !message->text.failed;
}
