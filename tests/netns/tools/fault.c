/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * Counts the system calls of a process with all its threads, and kills the process at one of them
 * or makes one of them fail.
 *
 * usage: fault --trace FILE [--from PREFIX] [--thread NAME] [--at N --call NAME [--argument TEXT]
 * (--kill | --error ERRNO)] (--pid PID | COMMAND...)
 *
 * The fault hits the first call with this NAME, and TEXT as its argument in the trace, from the
 * N-th on, because the number of calls varies a little. Only the calls in the table below are
 * counted, from 1. With --from the count begins with the first call whose path begins with PREFIX,
 * which leaves out the dynamic linker. With --thread the calls of the threads with this name are
 * counted alone. FILE receives one line for each counted call: number,
 * thread, name, argument. A kill happens before the call takes effect; a failing call has no
 * effect. The process continues untraced after an injected error, and when this program ends.
 * strace counts the calls of each thread separately, so it cannot reach every call of a process
 * with several threads.
 *
 * COMMAND replaces this process, and the tracer is no child of it. With --pid the line "ready" is
 * printed when all threads are traced.
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIT "hit\n" /* the last line of the trace: the fault was injected */

struct call {
	long number;
	const char *name;
	enum { NUMBER, PATH, FILE_OF } kind; /* of the argument that is shown */
	int shown;			     /* its index */
};

/* clang-format off */
static const struct call calls[] = {
#define CALL(name, kind, shown) { SYS_##name, #name, kind, shown }
	CALL(bpf, NUMBER, 0),		CALL(ioctl, NUMBER, 1),
	CALL(sendto, FILE_OF, 0),	CALL(sendmsg, FILE_OF, 0),
	CALL(recvfrom, FILE_OF, 0),	CALL(recvmsg, FILE_OF, 0),
	CALL(openat, PATH, 1),		CALL(mkdirat, PATH, 1),
	CALL(unlinkat, PATH, 1),	CALL(renameat, PATH, 1),
	CALL(renameat2, PATH, 1),	CALL(faccessat, PATH, 1),
	CALL(faccessat2, PATH, 1),	CALL(newfstatat, PATH, 1),
	CALL(statfs, PATH, 0),		CALL(fstatfs, FILE_OF, 0),
	CALL(write, FILE_OF, 0),	CALL(writev, FILE_OF, 0),
	CALL(pwrite64, FILE_OF, 0),	CALL(read, FILE_OF, 0),
	CALL(pread64, FILE_OF, 0),	CALL(getdents64, FILE_OF, 0),
	CALL(flock, FILE_OF, 0),	CALL(fcntl, NUMBER, 1),
	CALL(fsync, FILE_OF, 0),	CALL(fdatasync, FILE_OF, 0),
	CALL(ftruncate, FILE_OF, 0),	CALL(fchmod, FILE_OF, 0),
	CALL(fchmodat, PATH, 1),	CALL(fchown, FILE_OF, 0),
	CALL(fchownat, PATH, 1),	CALL(socket, NUMBER, 0),
	CALL(bind, FILE_OF, 0),		CALL(listen, FILE_OF, 0),
	CALL(connect, FILE_OF, 0),	CALL(accept4, FILE_OF, 0),
	CALL(setsockopt, NUMBER, 2),	CALL(getsockopt, NUMBER, 2),
	CALL(getsockname, FILE_OF, 0),	CALL(mmap, NUMBER, 1),
	CALL(mprotect, NUMBER, 1),	CALL(membarrier, NUMBER, 0),
	CALL(epoll_create1, NUMBER, 0),	CALL(epoll_ctl, NUMBER, 1),
	CALL(eventfd2, NUMBER, 0),	CALL(pipe2, NUMBER, 1),
	CALL(timerfd_create, NUMBER, 0), CALL(timerfd_settime, NUMBER, 1),
	CALL(signalfd4, NUMBER, 0),	CALL(dup, FILE_OF, 0),
	CALL(dup3, FILE_OF, 0),		CALL(clone, NUMBER, 0),
	CALL(clone3, NUMBER, 1),	CALL(prlimit64, NUMBER, 1),
	CALL(getrandom, NUMBER, 1),	CALL(mount, PATH, 1),
	CALL(setns, FILE_OF, 0),	CALL(wait4, NUMBER, 0),
	CALL(linkat, PATH, 3),		CALL(socketpair, NUMBER, 0),
	CALL(seccomp, NUMBER, 0),	CALL(setpriority, NUMBER, 0),
	CALL(sched_setscheduler, NUMBER, 1),
#ifdef SYS_open
	CALL(open, PATH, 0),		CALL(mkdir, PATH, 0),
	CALL(rmdir, PATH, 0),		CALL(unlink, PATH, 0),
	CALL(rename, PATH, 0),		CALL(access, PATH, 0),
	CALL(stat, PATH, 0),		CALL(lstat, PATH, 0),
	CALL(chmod, PATH, 0),		CALL(chown, PATH, 0),
	CALL(dup2, FILE_OF, 0),
#endif
#undef CALL
};
/* clang-format on */

static const char *prefix, *only_thread, *fault_call, *fault_argument;
static unsigned long fault_at, counted;
static bool kills;
static int fault_errno;
static int trace_fd = -1;
static pid_t failing; /* the thread whose present call fails when it returns */

static void die(const char *what)
{
	fprintf(stderr, "fault: %s: %s\n", what, strerror(errno));
	_exit(2);
}

/* ---- one architecture each: skip the call, set its result ---- */
static void skip_call(pid_t thread)
{
#if defined(__x86_64__)
	if (ptrace(PTRACE_POKEUSER, thread, offsetof(struct user_regs_struct, orig_rax), -1L) < 0)
		die("cannot skip a call");
#elif defined(__aarch64__)
	int number = -1;
	struct iovec data = { &number, sizeof(number) };

	if (ptrace(PTRACE_SETREGSET, thread, NT_ARM_SYSTEM_CALL, &data) < 0)
		die("cannot skip a call");
#else
#error "unknown architecture: how is a system call skipped?"
#endif
}

static void set_result(pid_t thread, long value)
{
	struct user_regs_struct registers;
	struct iovec data = { &registers, sizeof(registers) };

	if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &data) < 0)
		die("cannot read registers");
#if defined(__x86_64__)
	registers.rax = (unsigned long)value;
#elif defined(__aarch64__)
	registers.regs[0] = (unsigned long)value;
#endif
	if (ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &data) < 0)
		die("cannot set a result");
}

/* ---- calls ---- */
static const struct call *find_call(uint64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if ((uint64_t)calls[i].number == number)
			return &calls[i];
	return NULL;
}

static void read_path(pid_t thread, uint64_t address, char path[256])
{
	struct iovec to = { path, 255 }, from = { (void *)(uintptr_t)address, 255 };
	ssize_t n = process_vm_readv(thread, &to, 1, &from, 1, 0);

	if (n < 0) { /* close to the end of a mapping */
		to.iov_len = from.iov_len = 4096 - address % 4096;
		if (to.iov_len > 255)
			to.iov_len = 255;
		n = process_vm_readv(thread, &to, 1, &from, 1, 0);
	}
	path[n < 0 ? 0 : n] = 0;
	for (char *c = path; *c; c++)
		if (*c == '\n')
			*c = '?';
}

/* The file of a descriptor: a path, or a kind and a number. */
static void read_file_name(pid_t thread, uint64_t fd, char name[256])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", thread, (int)fd);
	n = readlink(link, name, 255);
	name[n < 0 ? 0 : n] = 0;
}

static void trace(const struct call *call, pid_t thread, const char *argument)
{
	char line[384];
	int n = snprintf(line, sizeof(line), "%lu %d %s %s\n", counted, thread, call->name,
			 argument);

	if (write(trace_fd, line, (size_t)n) != n)
		die("trace");
}

/* Sets text to the argument that tells one call from another. */
static void describe(const struct call *call, pid_t thread, const uint64_t *arguments,
		     char text[256])
{
	switch (call->kind) {
	case PATH:
		read_path(thread, arguments[call->shown], text);
		break;
	case FILE_OF:
		read_file_name(thread, arguments[call->shown], text);
		break;
	case NUMBER:
		snprintf(text, 256, "%#x", (unsigned int)arguments[call->shown]);
		break;
	}
}

static bool has_name(pid_t thread, const char *name)
{
	char path[64], found[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", thread);
	file = fopen(path, "re");
	if (file && !fgets(found, sizeof(found), file))
		found[0] = '\0';
	if (file)
		fclose(file);
	found[strcspn(found, "\n")] = '\0';
	return strcmp(found, name) == 0;
}

static void on_entry(pid_t thread, const struct __ptrace_syscall_info *info)
{
	const struct call *call = find_call(info->entry.nr);
	uint64_t arguments[6];
	char text[256];

	if (!call || (only_thread && !has_name(thread, only_thread)))
		return;
	for (size_t i = 0; i < 6; i++)
		arguments[i] = info->entry.args[i];
	describe(call, thread, arguments, text);
	if (prefix && (call->kind != PATH || strncmp(text, prefix, strlen(prefix)) != 0))
		return;
	prefix = NULL;
	counted++;
	trace(call, thread, text);
	if (!fault_at || counted < fault_at || strcmp(call->name, fault_call) != 0 ||
	    (fault_argument && strcmp(text, fault_argument) != 0))
		return;
	fault_at = 0;
	if (write(trace_fd, HIT, strlen(HIT)) < 0)
		die("trace");
	if (kills && kill(thread, SIGKILL) < 0)
		die("kill");
	if (!kills) {
		skip_call(thread);
		failing = thread;
	}
}

/* ---- calls that the kernel starts again (ERESTARTSYS and its kin): they count once ---- */
/* A write to a setting of IPv6 is one, as often as another process holds the RTNL. */
static pid_t restarting[64];

static bool is_restart(int64_t result)
{
	return result <= -512 && result >= -516;
}

/* Whether the thread was noted; it is no longer. */
static bool take_restarting(pid_t thread)
{
	for (size_t i = 0; i < sizeof(restarting) / sizeof(restarting[0]); i++) {
		if (restarting[i] != thread)
			continue;
		restarting[i] = 0;
		return true;
	}
	return false;
}

static void note_restarting(pid_t thread)
{
	for (size_t i = 0; i < sizeof(restarting) / sizeof(restarting[0]); i++) {
		if (restarting[i])
			continue;
		restarting[i] = thread;
		return;
	}
}

static void on_call(pid_t thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) < 0)
		return; /* killed meanwhile */
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		if (!take_restarting(thread))
			on_entry(thread, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread == failing) {
		set_result(thread, -fault_errno);
		_exit(0); /* the kernel detaches all threads */
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && is_restart(info.exit.rval)) {
		note_restarting(thread);
	}
}

static void follow(void)
{
	int status;
	pid_t thread;

	while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		int stop = WSTOPSIG(status), event = status >> 16, signal = 0;

		if (thread < 0 || !WIFSTOPPED(status))
			continue;
		if (stop == (SIGTRAP | 0x80))
			on_call(thread);
		else if (event == PTRACE_EVENT_STOP && stop != SIGTRAP) {
			ptrace(PTRACE_LISTEN, thread, 0, 0);
			continue;
		} else if (!event)
			signal = stop;
		ptrace(PTRACE_SYSCALL, thread, 0, signal);
	}
}

/* Each call stops the thread twice. On a loaded machine every stop would cost two time slices. */
static void hurry(pid_t thread)
{
	if (setpriority(PRIO_PROCESS, (id_t)thread, -19) < 0)
		die("cannot raise the priority");
}

static void seize(pid_t thread)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	if (ptrace(PTRACE_SEIZE, thread, 0, options) < 0 ||
	    ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0)
		die("cannot trace the process");
	hurry(thread);
}

static void seize_all(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	threads = opendir(path);
	if (!threads)
		die(path);
	while ((entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			seize(atoi(entry->d_name));
	closedir(threads);
}

/* ---- start ---- */
static void run_command(char **command)
{
	int ready[2];
	pid_t self = getpid(), child;
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	child = fork();
	if (child == 0) {
		if (fork() != 0)
			_exit(0);
		hurry(0);
		seize(self);
		if (write(ready[1], "", 1) != 1)
			die("pipe");
		close(ready[0]);
		close(ready[1]);
		follow();
		_exit(0);
	}
	close(ready[1]);
	waitpid(child, NULL, 0);
	if (read(ready[0], &byte, 1) != 1)
		_exit(2);
	execvp(command[0], command);
	die(command[0]);
}

int main(int argc, char **argv)
{
	enum {
		OPT_TRACE = 256,
		OPT_FROM,
		OPT_THREAD,
		OPT_AT,
		OPT_CALL,
		OPT_ARGUMENT,
		OPT_KILL,
		OPT_ERROR,
		OPT_PID
	};
	static const struct option options[] = { { "trace", required_argument, NULL, OPT_TRACE },
						 { "from", required_argument, NULL, OPT_FROM },
						 { "thread", required_argument, NULL, OPT_THREAD },
						 { "at", required_argument, NULL, OPT_AT },
						 { "call", required_argument, NULL, OPT_CALL },
						 { "argument", required_argument, NULL,
						   OPT_ARGUMENT },
						 { "kill", no_argument, NULL, OPT_KILL },
						 { "error", required_argument, NULL, OPT_ERROR },
						 { "pid", required_argument, NULL, OPT_PID },
						 {} };
	pid_t pid = 0;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
		switch (option) {
		case OPT_TRACE:
			trace_fd = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
			break;
		case OPT_FROM:
			prefix = optarg;
			break;
		case OPT_THREAD:
			only_thread = optarg;
			break;
		case OPT_AT:
			fault_at = strtoul(optarg, NULL, 10);
			break;
		case OPT_CALL:
			fault_call = optarg;
			break;
		case OPT_ARGUMENT:
			fault_argument = optarg;
			break;
		case OPT_KILL:
			kills = true;
			break;
		case OPT_ERROR:
			fault_errno = atoi(optarg);
			break;
		case OPT_PID:
			pid = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (trace_fd < 0 || (fault_at && (!fault_call || (!kills && !fault_errno))) ||
	    (!pid && optind == argc)) {
		fprintf(stderr, "fault: wrong usage; see the head of tests/netns/tools/fault.c\n");
		return 2;
	}
	if (!pid)
		run_command(&argv[optind]);
	hurry(0);
	seize_all(pid);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		die("standard output");
	follow();
	return 0;
}
