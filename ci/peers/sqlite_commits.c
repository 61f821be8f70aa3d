/* The first program of a Linux guest: commits records with SQLite on /dev/vda and says how long it took.
 *
 * Statically linked, so that it needs nothing else in the initial ramdisk but the modules that the
 * kernel lacks for the disk, in /modules, loaded in the order of their names. One line a journal mode:
 *   SQLITE journal=wal commits=200 ns=1234
 * and `SQLITE DONE` at the end. Whatever fails is said in one line, and the machine stays up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { COMMITS = 200, WARM_UP = 20, RECORD_BYTES = 512, DISK_WAIT_MS_MAX = 10000 };

static void fail(const char *what, const char *why) {
    printf("SQLITE FAILED %s: %s\n", what, why);
    fflush(stdout);
    for (;;) pause();
}

static void load_modules(void) {
    struct dirent **names;
    int count = scandir("/modules", &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (names[i]->d_name[0] == '.') continue;
        char path[300];
        snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0 || syscall(SYS_finit_module, file, "", 0) != 0) fail(path, strerror(errno));
        close(file);
    }
}

static void run(sqlite3 *db, const char *sql) {
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) fail(sql, error);
}

static long long now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void commit(sqlite3_stmt *insert, const unsigned char *record) {
    sqlite3_bind_blob(insert, 1, record, RECORD_BYTES, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) fail("insert", "not done");
    sqlite3_reset(insert);
}

static void measure(const char *journal) {
    char text[100];
    sqlite3 *db;
    snprintf(text, sizeof text, "/disk/%s.db", journal);
    if (sqlite3_open(text, &db) != SQLITE_OK) fail("opening", sqlite3_errmsg(db));
    snprintf(text, sizeof text, "PRAGMA journal_mode=%s", journal);
    run(db, text);
    run(db, "PRAGMA synchronous=FULL");
    run(db, "CREATE TABLE records(seq INTEGER PRIMARY KEY, payload BLOB)");
    sqlite3_stmt *insert;
    if (sqlite3_prepare_v2(db, "INSERT INTO records(payload) VALUES(?)", -1, &insert, NULL))
        fail("prepare", sqlite3_errmsg(db));
    unsigned char record[RECORD_BYTES];
    memset(record, 0x5a, sizeof record);
    for (int i = 0; i < WARM_UP; i++) commit(insert, record);
    long long began = now_ns();
    for (int i = 0; i < COMMITS; i++) commit(insert, record);
    printf("SQLITE journal=%s commits=%d ns=%lld\n", journal, COMMITS, now_ns() - began);
    fflush(stdout);
    sqlite3_finalize(insert);
    sqlite3_close(db);
}

int main(void) {
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    int waited_ms = 0;
    while (access("/dev/vda", F_OK) != 0 && waited_ms++ < DISK_WAIT_MS_MAX) usleep(1000);
    if (mount("/dev/vda", "/disk", "ext4", 0, NULL) != 0) fail("mounting /dev/vda", strerror(errno));
    measure("delete");
    measure("wal");
    umount("/disk");
    puts("SQLITE DONE");
    fflush(stdout);
    for (;;) pause();
}
