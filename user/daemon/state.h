/* SPDX-License-Identifier: GPL-2.0 */
/* Copyright (C) The uplinkd authors */
/*
 * The daemon: the process around the switches.
 *
 *   main.c             options
 *   daemon.c           start, event loop, signals, lease, stop, teardown
 *   reload.c           a changed configuration: validated, applied, confirmed or rolled back
 *   adopt.c            the sequence of `uplinkctl adopt`; switch_over.c its steps and the rollback,
 *                      switch_over_journal.c the journal
 *   restore.c          repeats a rollback that failed
 *   first_config.c     the configuration of a start
 *   config_report.c    the state of the configuration for Status
 *   config_state.c     the confirmed configuration on disk, see config_state.h
 *   apply.c            the transaction over all switches, see apply.h
 *   switch_registry.c  the switches that this instance created
 *   methods.c          requests of the control socket
 *   reads.c            those that read the maps
 *   recorder.c         events to the history, evaluation of findings
 *   prepare.c          what root does for a daemon of another user
 *   capabilities.c     what the process may do
 *   port_requests.c    ports that are added and removed at run time
 *   attachments.c      ports of attachment bridges
 *
 * Start: read the file, lock the run directory, apply, open the control socket, READY=1. Without
 * the socket the data plane and LACP run all the same, and it is tried again with back-off. A stop
 * leaves the data planes running, and the next start adopts them. All of this runs on one thread
 * and one event loop, the worker. LACP, failover, the lease and the watchdog are in the timely
 * thread (timely/timely.h); the log and the history are written by one each (common/line_writer.h).
 *
 * The daemon owns the list of errors that all library code appends to. A request moves the list to
 * its reply; after each round of the event loop the rest is logged. Only this folder writes to the
 * log.
 *
 * Tests: tests/unit/daemon_*.c, tests/netns/test_lifecycle.py, test_switches.py, test_ctl.py.
 */
#ifndef UL_DAEMON_STATE_H
#define UL_DAEMON_STATE_H

#include <limits.h>

#include "control/event_ring.h"
#include "control/server.h"
#include "daemon/apply.h"
#include "daemon/config_state.h"
#include "daemon/loop_delay.h"
#include "daemon/recorder.h"
#include "daemon/switch_over.h"
#include "vswitch/attachments.h"

struct daemon_options {
	const char *config;
	const char *config_folder; /* NULL: config is one file */
	const char *bpffs, *run_dir;
	const char *state_dir; /* of the confirmed configuration and of the history */
	/* below which the files for network managers are; NULL: this instance writes none */
	const char *managers_root;
};

/* Why the configuration in force is not that of the files. */
enum config_origin {
	CONFIG_FILES,	    /* it is */
	CONFIG_COPY,	    /* of `uplinkctl reload FILE` */
	CONFIG_ROLLED_BACK, /* the files have a change that was not confirmed */
	CONFIG_FALLBACK,    /* the files could not be applied at the start */
	CONFIG_UNCONFIRMED, /* a change waits for its confirmation */
};

struct read_baseline;
struct read_sample;

struct daemon {
	struct daemon_options options;
	int lock_fd;
	int notify_fd; /* of notify_open() */
	sd_event *event;
	struct link_monitor *links;
	struct announce_socket *announce_socket;
	struct control_server *control; /* NULL: the socket could not be opened yet */
	int control_fd;			/* a socket of the service manager; 0: none */
	sd_event_source *control_timer; /* of the next attempt to open it */
	uint32_t control_retry_ms;	/* the delay before it */
	sd_event_source *forget_timer;
	struct attachments attachments; /* the interfaces that are not ports */
	sd_event_source *attach_source, *attach_timer;
	uint32_t attach_retry_ms;
	int attach_error; /* of the last attempt to apply what the bridges have; 0: none */
	sd_event_source *publish_timer; /* of the next attempt at it */
	uint32_t publish_retry_ms;
	sd_event_source *publish_process; /* of root, which writes their files; NULL: none runs */
	bool publish_again;		  /* when it has ended */
	bool publish_failed;		  /* it has, and it is started again */
	char *publish_problem; /* why network managers are not informed; NULL: they are */
	struct timely *timely; /* NULL: teardown */
	char registry_path[PATH_MAX];
	char rcu_marker[PATH_MAX];
	struct running_switches switches;
	/* of the next attempt to remove switches that left the configuration; NULL: none is left */
	sd_event_source *removal_timer;
	uint32_t removal_retry_ms;
	char state_path[PATH_MAX];
	struct config_state saved;
	sd_event_source *state_timer; /* of the next attempt to store it; NULL: it is stored */
	uint32_t state_retry_ms;
	enum config_origin origin;
	char *fallback_reason;		 /* CONFIG_FALLBACK: why */
	sd_event_source *fallback_timer; /* of the next attempt at the files; NULL: none */
	uint32_t fallback_retry_ms;	 /* the delay before it */
	sd_event_source *restore_timer;	 /* after an incomplete rollback */
	uint32_t restore_retry_ms;
	sd_event_source *deadline_timer;
	uint32_t rollback_retry_ms;
	struct switch_over *switch_over; /* not confirmed, or not taken back; NULL: none */
	sd_event_source *switch_over_timer;
	uint64_t switch_over_until_ms; /* CLOCK_MONOTONIC: for the first uplinks */
	uint32_t switch_over_confirm_s;
	uint32_t undo_retry_ms;
	/* Failures of the current request or event; empty between two rounds of the event loop. */
	struct errors errors;
	struct event_ring events;
	struct read_baseline *baseline; /* of the latest read with an interval; NULL: none */
	struct read_sample *samples;	/* of the latest reads with a sample */
	struct recorder recorder;
	uint64_t started_ms;
	/* longest time that one round of the event loop took */
	struct loop_delay loop_delay;
};

/* In the run directory: of struct rcu_expedite. */
#define RCU_MARKER_NAME "rcu_expedited"

/* Values that main() returns. */
enum daemon_status { DAEMON_OK = 0, DAEMON_BAD_CONFIG = 1, DAEMON_SYSTEM = 2 };

enum daemon_status daemon_run(const struct daemon_options *options);
enum daemon_status daemon_teardown(const struct daemon_options *options);

/* ---- prepare.c: as root, before and after a daemon that runs as another user ---- */
/* Gives the pins, the run directory and the RCU setting to the user. Reports to the log. */
enum daemon_status daemon_prepare(const struct daemon_options *options, const char *user);
/* Switches the RCU setting off that a killed daemon left on, and gives it back to root. */
enum daemon_status daemon_finish(const struct daemon_options *options);

/* ---- drop_ins.c ---- */
#define MANAGERS_ROOT "/run"

/* As root: keeps network managers off the interfaces of the configuration in force. */
enum daemon_status daemon_drop_ins(const struct daemon_options *options);
/* 0 or negative errno, logged. */
int daemon_remove_drop_ins(const struct daemon_options *options);
/* Stores the configuration in force for daemon_drop_ins(), with further attempts after a failure.
 * userdata: a struct daemon. */
void daemon_publish_configuration(void *userdata, const struct model *model);
void daemon_stop_publishing(struct daemon *daemon);
/* Stores a configuration that only names interfaces, for the same. false: nothing starts that
 * process: root and the service manager do, and it has run before a daemon that systemd starts. */
bool daemon_publish_members(struct daemon *daemon, const json_t *configuration);
/* Whether daemon_drop_ins() is done with what was stored last. */
bool daemon_drop_ins_are_done(const struct daemon *daemon);
/* One problem per line, of the last daemon_drop_ins(); NULL: none. The caller frees it. */
char *daemon_drop_in_problems(const struct daemon *daemon);

/* ---- capabilities.c ---- */
/* effective: bit n is capability n. 0 or -EPERM with a message for each one that is missing. */
int capabilities_check(uint64_t effective, struct errors *errors);
int capabilities_of_process(uint64_t *ret); /* 0 or negative errno */

/* r: the result of config_load(). A file that the system could not read for the moment is no
 * mistake of the administrator: the service manager starts the daemon again. */
enum daemon_status daemon_status_of_load(int r);

/* Path of a file in the run directory. 0 or -ENAMETOOLONG. */
int daemon_run_path(const struct daemon_options *options, const char *name, char path[PATH_MAX]);

/* Logs daemon->errors at the level and empties it. */
void daemon_log_errors(struct daemon *daemon, enum log_level level);
/* Calls on_timer with the daemon after the next delay (backoff.h), in place of a former *timer.
 * failure: the message if there is no timer. */
void daemon_arm_retry(struct daemon *daemon, sd_event_source **timer, uint32_t *retry_ms,
		      sd_event_time_handler_t on_timer, const char *failure);

/* An event for the history and for `uplinkctl monitor`. details: list of lines, borrowed; NULL:
 * none. */
void daemon_record(struct daemon *daemon, const char *switch_name, enum event_code code,
		   const char *object, const char *text, json_t *details);

/* ---- reload.c ---- */
struct reload_request {
	const struct config_source *source; /* NULL: the files */
	uint32_t confirm_s;		    /* 0: no confirmation needed */
	const json_t *switch_over;	    /* of `uplinkctl adopt`; NULL: none */
};

/*
 * Reads the configuration and applies the differences. 0; -EINVAL: it is wrong, and nothing
 * changed; -EINPROGRESS: another change waits for its confirmation; other negative errno: system
 * error, and the former configuration is in force. daemon->errors has the reasons.
 */
int daemon_reload(struct daemon *daemon, const struct reload_request *request);
/* CONFIG_FALLBACK, because of error: tries the files again later if that can help. */
void daemon_retry_files(struct daemon *daemon, int error);
/* 0; -ENODATA: no change waits; other negative errno: it still waits; with a message. */
int daemon_confirm(struct daemon *daemon);
/* Applies the confirmed configuration. 0; -ENODATA: no change waits; other negative errno: the
 * change stays in force, and the rollback is tried again; with messages. */
int daemon_rollback(struct daemon *daemon, const char *reason);
/* Records that the model is in force. before: text of model_format() of the former one; NULL: it is
 * not known. */
void daemon_record_model(struct daemon *daemon, const char *before, const struct model *model,
			 const char *text);

/* ---- adopt.c ---- */
/*
 * Before the model is applied: checks the request and records the present state, which the next
 * daemon_save_state() stores. 0; -EINVAL: the request is wrong; other negative errno; with
 * messages.
 */
int daemon_adopt_prepare(struct daemon *daemon, const struct reload_request *request,
			 struct model *model);
/* The model could not be applied; nothing was moved. */
void daemon_adopt_cancel(struct daemon *daemon);
/* After it was applied: begins to move. Failures roll the change back. 0 or negative errno with
 * messages. */
int daemon_adopt_begin(struct daemon *daemon);
/* Whether interfaces still belong to the former set-up. */
bool daemon_adopt_is_moving(const struct daemon *daemon);
/* Whether network managers must not get the files of this model yet: they take addresses and
 * masters away from interfaces that they no longer manage. */
bool daemon_adopt_delays_files(const struct daemon *daemon, const struct model *model);
/* 0, or -EAGAIN with a message: the change cannot be confirmed yet. */
int daemon_adopt_check_complete(struct daemon *daemon);
/* The confirmation is stored. */
void daemon_adopt_confirmed(struct daemon *daemon);
/*
 * Takes a switch-over of this boot back, after its switches were removed, and stores that. It is
 * tried again until it succeeds. 0, also if there is none, or negative errno with messages.
 */
int daemon_adopt_undo(struct daemon *daemon);
/* Whether the stored change may wait for its confirmation at a start: 1, 0, or negative errno with
 * messages. */
int daemon_adopt_is_resumable(struct daemon *daemon);
/* Member of the reply to Status and Configuration; NULL: no switch-over. */
const char *daemon_adopt_state(const struct daemon *daemon);

/* ---- restore.c ---- */
/* userdata: struct daemon. Repeats a rollback that was incomplete, after a delay that grows. */
void daemon_restore_later(void *userdata);

/* ---- reload.c, for first_config.c and adopt.c ---- */
/* An event about the configuration. */
void daemon_report_configuration(struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int daemon_read_files(struct daemon *daemon, struct config_source *ret, struct errors *errors);
/* Derives daemon->origin from daemon->saved. */
void daemon_set_origin(struct daemon *daemon);
/* 0 or negative errno with a message. */
int daemon_save_state(struct daemon *daemon);
/* at_ms: CLOCK_BOOTTIME. 0 or negative errno with a message. */
int daemon_arm_deadline(struct daemon *daemon, uint64_t at_ms);
void daemon_disarm_deadline(struct daemon *daemon);
uint64_t daemon_deadline_in_ms(const struct daemon *daemon); /* 0: it has passed */

/* ---- first_config.c ---- */
/*
 * The first configuration: that of the files, a stored one in its place, and the confirmed one as a
 * fallback, in the order in which they are tried.
 */
#define FIRST_CONFIG_MAX 2
#define STATE_FILE_NAME "configuration.json"

struct first_candidate {
	const struct config_source *source;
	struct model *model;
	enum config_origin origin;
};

struct first_config {
	struct config_source files;
	struct first_candidate candidate[FIRST_CONFIG_MAX];
	size_t n;
	struct errors reasons; /* why earlier candidates were not applied */
	int error;	       /* what happened to the files; 0: nothing */
	bool changed;	       /* the state has to be stored */
};

/* Reads only. 0: at least one candidate; otherwise an errno of config_load(), with messages. */
int daemon_choose_first(struct daemon *daemon, struct first_config *first);
/* The run directory is locked. The reasons of a failure are in daemon->errors. */
enum daemon_status daemon_apply_first(struct daemon *daemon, struct first_config *first);
void first_config_done(struct first_config *first);

/* Takes a stored switch-over back that was not confirmed, after a teardown. 0 or negative errno,
 * with messages. */
int daemon_take_back(struct daemon *daemon);
/* Forgets the confirmed configuration, after a teardown. 0 or negative errno, logged. */
int daemon_forget_configuration(const struct daemon_options *options);

/* ---- config_report.c ---- */
const char *daemon_source_name(const struct config_source *source); /* the first file */
/* What is in force, for people. */
const char *daemon_origin_text(const struct daemon *daemon);
/* Members of the reply to Status; NULL: no memory. */
json_t *daemon_configuration_record(const struct daemon *daemon);
json_t *daemon_problems(const struct daemon *daemon);
json_t *daemon_history_record(const struct daemon *daemon);

/* ---- port_requests.c ---- */
/* Applies a changed copy of the model. change: 0 or negative errno with messages. 0 or negative
 * errno with messages in daemon->errors; *ret_refused: change() refused the request. */
int daemon_change_model(struct daemon *daemon,
			int (*change)(struct model *model, const void *argument,
				      struct errors *errors),
			const void *argument, bool *ret_refused);

struct add_port {
	struct daemon *daemon;
	const char *switch_name, *group;
	struct port_cfg port;
};

/* Changes for daemon_change_model(); argument: struct add_port, and the name of the interface. */
int daemon_add_port(struct model *model, const void *argument, struct errors *errors);
int daemon_remove_port(struct model *model, const void *argument, struct errors *errors);
/* Starts the timer that removes run-time ports without an interface. 0 or negative errno. */
int daemon_start_forgetting(struct daemon *daemon);

/* ---- reads.c ---- */
/* Answers a row of records/reads.h; see struct control_method. */
int daemon_read(void *userdata, const struct control_method *method, json_t *parameters,
		struct control_pending *pending, json_t **ret_parameters, const char **ret_error);
/* Forgets what reads have kept; after the control server, whose requests refer to it. */
void daemon_reads_done(struct daemon *daemon);

/* ---- attachments.c ---- */
/* Gives the model the attached ports of the present interfaces, and reports those that are refused.
 * 0 or negative errno with a message in daemon->errors. */
int daemon_attach(struct daemon *daemon, struct model *model);
/* Does the same with the configuration in force, in the next turn of the event loop. */
void daemon_attach_soon(struct daemon *daemon);
/* An interface changed; changes: OR of enum link_change. */
void daemon_links_changed(struct daemon *daemon, unsigned int changes);
/* 0 or negative errno. */
int daemon_start_attaching(struct daemon *daemon);
void daemon_stop_attaching(struct daemon *daemon);
/* Appends the problems of attachment bridges to those of Status. */
void daemon_attachment_problems(const struct daemon *daemon, json_t *list);

extern const struct control_method daemon_methods[];

#endif
