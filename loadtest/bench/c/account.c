/* account.c - what the server costs: CPU of its threads to the nanosecond, resident memory, kernel buffers. */
#include "fanload.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static u64 thread_cpu_ns(const char *tasks, const char *thread) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s/schedstat", tasks, thread);
    FILE *file = fopen(path, "r");
    unsigned long long ns = 0;
    if (file) {
        if (fscanf(file, "%llu", &ns) != 1)
            ns = 0;
        fclose(file);
    }
    return ns;
}

u64 server_cpu_ns(void) {
    u64 sum = 0;
    for (int i = 0; i < opt.server_pid_count; i++) {
        char tasks[64];
        snprintf(tasks, sizeof tasks, "/proc/%d/task", opt.server_pids[i]);
        DIR *folder = opendir(tasks);
        for (struct dirent *entry; folder && (entry = readdir(folder));)
            if (entry->d_name[0] != '.')
                sum += thread_cpu_ns(tasks, entry->d_name);
        if (folder)
            closedir(folder);
    }
    return sum;
}

void server_user_sys(double *user_s, double *sys_s) {
    *user_s = *sys_s = 0;
    double tick = (double)sysconf(_SC_CLK_TCK);
    for (int i = 0; i < opt.server_pid_count; i++) {
        char path[64], line[2048];
        snprintf(path, sizeof path, "/proc/%d/stat", opt.server_pids[i]);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        line[fread(line, 1, sizeof line - 1, file)] = 0;
        fclose(file);
        char *after_name = strrchr(line, ')'); /* the name may hold spaces and brackets */
        unsigned long user, sys;
        if (after_name && sscanf(after_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) == 2)
            *user_s += (double)user / tick, *sys_s += (double)sys / tick;
    }
}

u64 server_rss_kb(void) {
    u64 pages = 0;
    for (int i = 0; i < opt.server_pid_count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/statm", opt.server_pids[i]);
        FILE *file = fopen(path, "r");
        unsigned long size, resident;
        if (file && fscanf(file, "%lu %lu", &size, &resident) == 2)
            pages += resident;
        if (file)
            fclose(file);
    }
    return pages * (u64)sysconf(_SC_PAGESIZE) / 1024;
}

u64 kernel_socket_kb(void) {
    FILE *file = fopen("/proc/net/sockstat", "r");
    char line[256];
    u64 pages = 0;
    while (file && fgets(line, sizeof line, file)) {
        char *at = strstr(line, "mem ");
        if (!strncmp(line, "TCP:", 4) && at)
            pages = (u64)atol(at + 4);
    }
    if (file)
        fclose(file);
    return pages * (u64)sysconf(_SC_PAGESIZE) / 1024;
}

/* All processes of the machine on that core, ours or not: a neighbour's work shows here. */
void core_ticks(int core, u64 *busy, u64 *all) {
    FILE *file = fopen("/proc/stat", "r");
    char line[512], name[16];
    snprintf(name, sizeof name, "cpu%d ", core);
    *busy = *all = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)))
            continue;
        char *at = line + strlen(name);
        for (int field = 0; field < 8; field++) { /* user nice system idle iowait irq softirq steal */
            u64 ticks = strtoull(at, &at, 10);
            *all += ticks;
            *busy += field == 3 || field == 4 ? 0 : ticks;
        }
    }
    if (file)
        fclose(file);
}
