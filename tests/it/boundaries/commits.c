// A library for `henji serve` and `henji dlq` (LD_PRELOAD): it reports each commit to SQLite's write-ahead log to the
// gate, just before its first byte is written and just after it is on disk, and holds the process until the gate has
// answered. So a commit is a boundary like every request, and the test runs the program that ships.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Only SQLite's one thread writes to the log.
static int is_written;

static int is_log(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path);
    return length > 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static void tell(const char *moment) {
    char text[128];
    struct sockaddr_in gate = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("GATE_PORT")))};
    gate.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int length = snprintf(text, sizeof text, "POST /%s HTTP/1.1\r\nhost: gate\r\nconnection: close\r\n\r\n", moment);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Without a connection to the gate the test would miss commits.
    if (connect(fd, (struct sockaddr *)&gate, sizeof gate) || send(fd, text, length, 0) != length) abort();
    while (recv(fd, text, sizeof text, 0) > 0) {}
    close(fd);
}

static void writes(int fd) {
    if (!is_written && is_log(fd)) {
        is_written = 1;
        tell("before");
    }
}

static int synced(int fd, int result) {
    if (is_written && is_log(fd)) {
        is_written = 0;
        tell("after");
    }
    return result;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    writes(fd);
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    writes(fd);
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return pwrite64(fd, bytes, count, offset);
}

int fsync(int fd) {
    return synced(fd, syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
    return synced(fd, syscall(SYS_fdatasync, fd));
}
