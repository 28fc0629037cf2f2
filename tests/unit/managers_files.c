// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* The files for network managers: their text, and what a change of the configuration writes. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "common/util.h"
#include "managers/managers.h"

#define HEADER "# Written by uplinkd. Changes are lost; see uplinkd.yaml(5).\n"
#define START                                                                      \
	"switches:\n  - name: vs\n    uplinks: [eth0, enp1s0]\n    port-groups:\n" \
	"      - name: g\n        ports:\n"
#define TAP "          - {interface: vm-web1, mac: '52:54:00:00:00:01'}\n"
#define STATIC \
	"          - {interface: vmk0, host: true, address: [192.0.2.10/24], gateway: 192.0.2.1}\n"
/* clang-format off */
#define BOTH \
	"          - interface: vmk1\n" \
	"            host: true\n" \
	"            dhcp: true\n" \
	"            address: ['2001:db8::1/64']\n" \
	"            dns: [192.0.2.53, '2001:db8::53', 192.0.2.54]\n" \
	"            routes:\n" \
	"              - {to: 10.0.0.0/8, via: 10.0.0.1, metric: 5}\n" \
	"              - {to: 172.16.0.0/12}\n" \
	"              - {to: '2001:db8:1::/48', metric: 7}\n"
/* clang-format on */

static struct model *parse(const char *text)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct model *model = NULL;

	cr_assert_eq(config_parse(text, strlen(text), "t.yaml", &model, &errors), 0, "%s",
		     errors.n ? errors.messages[0] : "");
	return model;
}

static const char *text_of(const struct manager_files *files, const char *path)
{
	for (size_t i = 0; i < files->n; i++)
		if (strcmp(files->file[i].path, path) == 0)
			return files->file[i].text;
	cr_assert_fail("no file %s", path);
	return NULL;
}

static int own_name(const char *name, char ret[UL_NAME_LEN])
{
	snprintf(ret, UL_NAME_LEN, "%s", strcmp(name, "enp1s0") == 0 ? "eth7" : name);
	return 1;
}

static int no_own_name(const char *name, char ret[UL_NAME_LEN])
{
	(void)ret;
	return strcmp(name, "enp1s0") == 0 ? -EMFILE : 0;
}

static struct manager_files make(const char *text, enum manager to, struct errors *errors)
{
	struct manager_files files = {};
	struct model *model = parse(text);

	cr_assert_eq(manager_files_make(model, to, own_name, &files, errors), 0);
	model_free(model);
	return files;
}

#define UNMANAGED "systemd/network/05-uplinkd.network"
#define NM_CONF "NetworkManager/conf.d/90-uplinkd.conf"
#define RULES "udev/rules.d/90-uplinkd.rules"

Test(managers_files, uplinks_and_ports_are_unmanaged_also_by_their_own_names)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_files files = make(START TAP STATIC, MANAGER_NONE, &errors);

	cr_expect_eq(files.n, 3);
	cr_expect_eq(errors.n, 0);
	cr_expect_str_eq(text_of(&files, UNMANAGED),
			 HEADER "[Match]\nName=eth0\nName=enp1s0\nName=eth7\nName=vm-web1\n"
				"Name=vmk0\nName=vmk0-sw\n\n[Link]\nUnmanaged=yes\n");
	cr_expect_str_eq(text_of(&files, NM_CONF),
			 HEADER "[keyfile]\nunmanaged-devices+=interface-name:=eth0;"
				"interface-name:=enp1s0;interface-name:=eth7;"
				"interface-name:=vm-web1;interface-name:=vmk0;"
				"interface-name:=vmk0-sw\n");
	cr_expect(strstr(text_of(&files, RULES),
			 "\nKERNEL==\"eth7\", ENV{ID_NET_MANAGED_BY}=\"io.uplinkd\", "
			 "ENV{NM_UNMANAGED}=\"1\"\n"));
	manager_files_done(&files);
}

Test(managers_files, a_name_that_cannot_be_looked_up_is_an_error)
{
	struct manager_files files = {};
	struct model *model = parse(START TAP);

	cr_expect_eq(manager_files_make(model, MANAGER_NONE, no_own_name, &files, NULL), -EMFILE);
	cr_expect_eq(files.n, 0u);
	model_free(model);
}

Test(managers_files, attachment_bridges_are_unmanaged)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_files files =
		make("switches:\n  - {name: vs, uplinks: [eth0], bridge: vmbr0}\n"
		     "  - name: two\n    uplinks: [eth1]\n    port-groups:\n"
		     "      - {name: g, vlan: 7, bridge: br-prod}\n      - {name: h, vlan: 8}\n",
		     MANAGER_NONE, &errors);

	cr_expect_eq(errors.n, 0);
	cr_expect_str_eq(text_of(&files, UNMANAGED),
			 HEADER "[Match]\nName=eth0\nName=vmbr0\nName=eth1\nName=br-prod\n"
				"\n[Link]\nUnmanaged=yes\n");
	cr_expect(strstr(text_of(&files, NM_CONF), ";interface-name:=br-prod\n"));
	cr_expect(strstr(text_of(&files, RULES), "\nKERNEL==\"vmbr0\", "));
	manager_files_done(&files);
}

Test(managers_files, a_port_is_handed_over_to_networkd)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_files files = make(START STATIC BOTH, MANAGER_NETWORKD, &errors);

	cr_expect_str_eq(
		text_of(&files, "systemd/network/05-uplinkd-vmk1.network"), HEADER
		"[Match]\nName=vmk1\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n"
		"Address=2001:db8::1/64\nDNS=192.0.2.53\nDNS=2001:db8::53\nDNS=192.0.2.54\n"
		"\n[Route]\nDestination=10.0.0.0/8\nProtocol=117\nGateway=10.0.0.1\nMetric=5\n"
		"\n[Route]\nDestination=172.16.0.0/12\nProtocol=117\n"
		"\n[Route]\nDestination=2001:db8:1::/48\nProtocol=117\nMetric=7\n");
	cr_expect_not(strstr(text_of(&files, UNMANAGED), "vmk1\n"));
	cr_expect(strstr(text_of(&files, UNMANAGED), "vmk1-sw\n"));
	cr_expect(strstr(text_of(&files, NM_CONF), "=vmk1;"), "not NetworkManager's");
	cr_expect(strstr(text_of(&files, RULES),
			 "\"vmk1\", ENV{ID_NET_MANAGED_BY}=\"io.systemd.Network\", "
			 "ENV{NM_UNMANAGED}=\"1\"\n"));
	manager_files_done(&files);
}

Test(managers_files, a_port_is_handed_over_to_network_manager)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_files files = make(START STATIC BOTH, MANAGER_NM, &errors);

	cr_expect_str_eq(
		text_of(&files, "NetworkManager/system-connections/uplinkd-vmk1.nmconnection"),
		HEADER "[connection]\nid=uplinkd-vmk1\ntype=ethernet\ninterface-name=vmk1\n"
		       "autoconnect-priority=999\n"
		       "\n[ipv4]\nmethod=auto\nroute1=10.0.0.0/8,10.0.0.1,5\n"
		       "route2=172.16.0.0/12\ndns=192.0.2.53;192.0.2.54;\n"
		       "\n[ipv6]\naddress1=2001:db8::1/64\nmethod=manual\n"
		       "route1=2001:db8:1::/48,::,7\ndns=2001:db8::53;\n");
	cr_expect(strstr(text_of(&files, UNMANAGED), "vmk1\n"), "not networkd's");
	cr_expect_not(strstr(text_of(&files, NM_CONF), "=vmk1\n"));
	cr_expect(strstr(text_of(&files, RULES), "\"vmk1\", ENV{ID_NET_MANAGED_BY}=\"org."));
	manager_files_done(&files);
}

Test(managers_files, what_cannot_be_expressed_is_reported)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_files files =
		make(START "          - {interface: 'a*', mac: '52:54:00:00:00:01'}\n" BOTH,
		     MANAGER_NONE, &errors);

	cr_assert_eq(errors.n, 2);
	cr_expect(strstr(errors.messages[0], "a*: network managers cannot be kept off it"));
	cr_expect(strstr(errors.messages[1], "vmk1: dhcp, ipv6-ra and dns need"));
	for (size_t i = 0; i < files.n; i++)
		cr_expect_not(strchr(files.file[i].text, '*'));
	cr_expect(strstr(text_of(&files, UNMANAGED), "vmk1\n"));
	manager_files_done(&files);
}

/* ---- files ---- */
static char *read_file(const char *root, const char *path)
{
	_cleanup_free_ char *full = NULL;
	_cleanup_fclose_ FILE *file = NULL;
	char *text = calloc(1, 1 << 16);

	cr_assert_gt(asprintf(&full, "%s/%s", root, path), 0);
	file = fopen(full, "re");
	if (file)
		cr_assert_gt(fread(text, 1, (1 << 16) - 1, file), 0);
	return text;
}

static void put_file(const char *root, const char *path, const char *text)
{
	_cleanup_free_ char *full = NULL;
	FILE *file;

	cr_assert_gt(asprintf(&full, "%s/%s", root, path), 0);
	file = fopen(full, "we");
	cr_assert(file);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
}

static struct manager_changes sync_to(const char *root, const char *text, enum manager to)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct manager_changes changes = {};
	struct manager_files files = {};

	if (text)
		files = make(text, to, &errors);
	cr_assert_eq(manager_files_sync(root, &files, &changes, &errors), 0);
	manager_files_done(&files);
	return changes;
}

static void expect_text(const char *root, const char *path, const char *text)
{
	_cleanup_free_ char *found = read_file(root, path);

	cr_expect_str_eq(found, text, "%s", path);
}

Test(managers_files, only_differences_are_written_and_named)
{
	char root[] = "/tmp/uplinkd-managers-XXXXXX", command[64];
	struct manager_changes changes;
	struct stat st;
	char path[128];

	cr_assert(mkdtemp(root));
	changes = sync_to(root, START STATIC BOTH, MANAGER_NM);
	cr_expect(changes.networkd && changes.nm && changes.udev);
	cr_expect_eq(changes.n_names, 7, "all interfaces with the own name of one");
	manager_changes_done(&changes);
	snprintf(path, sizeof(path),
		 "%s/NetworkManager/system-connections/uplinkd-vmk1.nmconnection", root);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600, "NetworkManager ignores other files");

	changes = sync_to(root, START STATIC BOTH, MANAGER_NM);
	cr_expect_not(changes.networkd || changes.nm || changes.udev || changes.n_names);
	manager_changes_done(&changes);

	put_file(root, "systemd/network/05-mine.network", "mine");
	put_file(root, "NetworkManager/conf.d/90-uplinkd.conf.save", "mine");
	changes = sync_to(root, START STATIC, MANAGER_NM);
	cr_expect(changes.networkd && changes.nm && changes.udev);
	cr_expect_eq(changes.n_names, 2);
	cr_expect_str_eq(changes.name[0], "vmk1");
	cr_expect_str_eq(changes.name[1], "vmk1-sw");
	manager_changes_done(&changes);
	cr_expect_neq(stat(path, &st), 0);

	changes = sync_to(root, NULL, MANAGER_NONE);
	cr_expect_eq(changes.n_names, 5);
	manager_changes_done(&changes);
	expect_text(root, UNMANAGED, "");
	expect_text(root, NM_CONF, "");
	expect_text(root, RULES, "");
	expect_text(root, "systemd/network/05-mine.network", "mine");
	expect_text(root, "NetworkManager/conf.d/90-uplinkd.conf.save", "mine");
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}

Test(managers_files, a_link_in_place_of_a_file_is_replaced_and_not_followed)
{
	char root[] = "/tmp/uplinkd-managers-XXXXXX", command[64], path[128], target[128];
	struct manager_changes changes;

	cr_assert(mkdtemp(root));
	changes = sync_to(root, START STATIC, MANAGER_NONE);
	manager_changes_done(&changes);
	put_file(root, "target", "precious");
	snprintf(path, sizeof(path), "%s/" RULES, root);
	snprintf(target, sizeof(target), "%s/target", root);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink(target, path), 0);
	changes = sync_to(root, START STATIC TAP, MANAGER_NONE);
	cr_expect(changes.udev);
	manager_changes_done(&changes);
	expect_text(root, "target", "precious");
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}

Test(managers_files, the_rules_name_the_interfaces_of_a_notification)
{
	_cleanup_(errors_done) struct errors errors = {};
	char root[] = "/tmp/uplinkd-managers-XXXXXX", command[64];
	struct manager_changes changes;
	struct manager_files files = make(START STATIC BOTH, MANAGER_NM, &errors);

	cr_expect_eq(manager_files_exclude(&files, "eth0"), 1);
	cr_expect_eq(manager_files_exclude(&files, "vmk1"), 0);
	cr_expect_eq(manager_files_exclude(&files, "eth"), -ENOENT);
	manager_files_done(&files);
	cr_expect_eq(manager_files_exclude(&files, "eth0"), -ENOENT);

	cr_assert(mkdtemp(root));
	changes = (struct manager_changes){};
	cr_expect_eq(manager_changes_add_rules(&changes, root), 0);
	cr_expect_eq(changes.n_names, 0u, "no folder");
	changes = sync_to(root, START STATIC, MANAGER_NM);
	cr_expect_eq(manager_changes_add_rules(&changes, root), 0);
	cr_expect_eq(changes.n_names, 5u, "none of them twice");
	cr_expect_eq(manager_changes_add_lines(&changes, "eth0\neth9\n\n../eth0\n..\na/b\n"
							 "a-name-that-is-too-long\neth8"),
		     0);
	cr_expect_eq(changes.n_names, 7u, "%zu", changes.n_names);
	cr_expect_str_eq(changes.name[6], "eth8");
	manager_changes_done(&changes);
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}

/* Its interfaces have to be notified, and are found nowhere else. */
Test(managers_files, a_file_that_cannot_be_read_is_not_removed)
{
	struct rlimit limit, former;
	char root[] = "/tmp/uplinkd-managers-XXXXXX", command[64];
	struct manager_changes changes, left = {};
	const struct manager_files none = {};
	int next;

	cr_assert(mkdtemp(root));
	changes = sync_to(root, START STATIC, MANAGER_NM);
	manager_changes_done(&changes);
	changes = (struct manager_changes){};
	next = open("/", O_RDONLY | O_CLOEXEC);
	cr_assert_geq(next, 0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &former), 0);
	limit = former;
	limit.rlim_cur = (rlim_t)next + 2; /* the folder, and the same to list it */
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(manager_files_sync(root, &none, &changes, NULL), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &former), 0);
	cr_expect_eq(changes.n_names, 0u);
	cr_expect_eq(manager_changes_add_rules(&left, root), 0);
	cr_expect_eq(left.n_names, 5u);
	cr_expect_eq(manager_files_sync(root, &none, &changes, NULL), 0);
	cr_expect_eq(changes.n_names, 5u);
	manager_changes_done(&changes);
	manager_changes_done(&left);
	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_assert_eq(system(command), 0);
}
