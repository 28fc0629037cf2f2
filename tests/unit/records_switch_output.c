// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Pasted output of physical switches: what is read of it, hostile input, and the findings. */
#include "finding_cases.h"
#include "lacp_fake.h"
#include "record_shapes.h"
#include "records/switch_findings.h"

TestSuite(switch_output, .timeout = 300);

static char *read_file(const char *name, size_t *ret_length)
{
	char path[128], *text = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), "tests/unit/data/switch-output/%s", name);
	file = fopen(path, "re");
	cr_assert(text && file, "%s: %s", path, strerror(errno));
	*ret_length = fread(text, 1, 65535, file);
	fclose(file);
	return text;
}

/* "Po1 -: Gi1/0/1(P) ...; trunk ...; partner ...; balance" in one text. */
static char *dump(const struct switch_output *output)
{
	static const char protocols[] = "?-LP";
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t c = 0; c < output->n_channels; c++) {
		fprintf(out, "%s %c:", output->channels[c].name,
			protocols[output->channels[c].protocol]);
		for (size_t m = 0; m < output->n_members; m++)
			if (output->members[m].channel == c)
				fprintf(out, " %s(%c)", output->members[m].port,
					output->members[m].flag);
		fputc('\n', out);
	}
	for (size_t t = 0; t < output->n_trunks; t++) {
		fprintf(out, "%s native %u allowed ", output->trunks[t].port,
			output->trunks[t].native);
		vlan_list_print(output->trunks[t].allowed, ",", out);
		fputs(" active ", out);
		vlan_list_print(output->trunks[t].active, ",", out);
		fputc('\n', out);
	}
	for (size_t p = 0; p < output->n_partners; p++) {
		char mac[MAC_TEXT_LEN];

		fprintf(out, "%s sees %s\n", output->partners[p].port,
			mac_format(output->partners[p].system, mac));
	}
	if (output->load_balance[0])
		fprintf(out, "balance %s\n", output->load_balance);
	fclose(out);
	return text;
}

static const struct {
	const char *file, *parsed;
} files[] = {
	{ "ios.txt", "Po1 -: Gi1/0/1(P) Gi1/0/2(P)\n"
		     "Po2 L: Gi1/0/3(s) Gi1/0/4(I) Gi1/0/5(D)\n"
		     "Po1 native 999 allowed 10,100,200-210,300 active 10,100,200-205\n"
		     "Gi1/0/5 native 1 allowed 1-4094 active 1,10,100\n"
		     "Gi1/0/3 sees 02:00:00:00:00:01\n"
		     "Gi1/0/4 sees 02:00:00:00:00:ff\n"
		     "balance src-dst-ip\n" },
	{ "nxos.txt", "Po1 L: Eth1/1(P) Eth1/2(s)\n"
		      "Po20 -: Eth1/3(D)\n"
		      "Eth1/1 native 1 allowed 100-102 active \n"
		      "Po1 native 1 allowed 100-102 active \n"
		      "Eth1/1 sees 02:00:00:00:00:01\n"
		      "balance src-dst-ip-l4port\n" },
	{ "eos.txt", "Po1 L: Et1(P) Et2(w)\n"
		     "Po2 -: Et3(P) Et4(D)\n"
		     "Po1 native 1 allowed 10,100 active 10\n" },
	{ "junos.txt", "ae0 L: ge-0/0/0(P) ge-0/0/1(s)\n" },
};

Test(switch_output, what_is_read)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(switch_output_done) struct switch_output output = {};
		_cleanup_(errors_done) struct errors errors = {};
		_cleanup_free_ char *text = NULL, *parsed = NULL;
		size_t length;

		text = read_file(files[i].file, &length);
		cr_assert_eq(switch_output_parse(text, length, &output, &errors), 0, "%s",
			     errors.n ? errors.messages[0] : "");
		parsed = dump(&output);
		cr_expect_str_eq(parsed, files[i].parsed, "%s:\n%s", files[i].file, parsed);
	}
}

/* Every cut of every file, and every file with bytes replaced: no crash, no leak (sanitizers). */
Test(switch_output, cut_and_damaged_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;
		size_t length;

		text = read_file(files[i].file, &length);
		for (size_t n = 0; n <= length; n += 7) {
			_cleanup_(switch_output_done) struct switch_output output = {};

			switch_output_parse(text, n, &output, NULL);
		}
		for (size_t n = 0; n < length; n += 13) {
			_cleanup_(switch_output_done) struct switch_output output = {};
			char was = text[n];

			text[n] = "(),-9\n \xff"[n % 8];
			switch_output_parse(text, length, &output, NULL);
			text[n] = was;
		}
	}
}

static void expect_refused(const char *text, size_t length, const char *message)
{
	_cleanup_(errors_done) struct errors errors = {};
	struct switch_output output = { .n_channels = 4711 };

	cr_expect_eq(switch_output_parse(text, length, &output, &errors), -EINVAL);
	cr_expect_eq(output.n_channels, 4711, "untouched");
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], message), "%s", errors.messages[0]);
}

Test(switch_output, refused)
{
	_cleanup_free_ char *large = calloc(1, OUTPUT_MAX_BYTES + 1);
	char *text = NULL;
	size_t size;
	FILE *out;

	cr_assert(large);
	expect_refused("", 0, "has none of the known outputs");
	expect_refused("hello (world)\n", 14, "has none of the known outputs");
	expect_refused("Po1(SU)\0 LACP", 13, "line 1: contains a NUL byte");
	memset(large, 'x', OUTPUT_MAX_BYTES + 1);
	expect_refused(large, OUTPUT_MAX_BYTES + 1, "longer than 1048576 bytes");
	expect_refused(large, OUTPUT_MAX_LINE + 1, "line 1: longer than 1024 characters");

	out = open_memstream(&text, &size);
	for (int i = 0; i <= OUTPUT_MAX_CHANNELS; i++)
		fprintf(out, "%d Po%d(SU)\n", i, i);
	fclose(out);
	expect_refused(text, size, "line 257: more than 256 channels");
	free(text);

	out = open_memstream(&text, &size);
	fputs("Po1(SU)\n", out);
	for (int i = 0; i <= OUTPUT_MAX_MEMBERS; i++)
		fprintf(out, " Gi%d(P)\n", i);
	fclose(out);
	expect_refused(text, size, "more than 1024 members");
	free(text);

	out = open_memstream(&text, &size);
	fputs("Port Vlans allowed on trunk\n", out);
	for (int i = 0; i <= OUTPUT_MAX_TRUNKS; i++)
		fprintf(out, "Gi%d 1\n", i);
	fclose(out);
	expect_refused(text, size, "more than 1024 trunks");
	free(text);
}

Test(switch_output, names_of_ports)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "Gi1/0/1", "GigabitEthernet1/0/1", true },
		{ "Eth1/1", "Ethernet1/1", true },
		{ "Et1", "Ethernet1", true },
		{ "Po1", "port-channel1", true },
		{ "gi1/0/1", "Gi1/0/1", true },
		{ "ge-0/0/0", "ge-0/0/0", true },
		{ "1/1/1", "1/1/1", true },
		{ "Gi1/0/1", "Gi1/0/11", false },
		{ "Gi1/0/1", "Te1/0/1", false },
		{ "G1", "GigabitEthernet1", false },
		{ "", "Gi1", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cr_expect_eq(output_port_equal(rows[i].a, rows[i].b), rows[i].equal, "%s and %s",
			     rows[i].a, rows[i].b);
		cr_expect_eq(output_port_equal(rows[i].b, rows[i].a), rows[i].equal, "%s and %s",
			     rows[i].b, rows[i].a);
	}
}

/* ---- findings ---- */
#define SUMMARY "Group  Port-channel  Protocol    Ports\n"
#define GOOD SUMMARY "1 Po1(SU) - Gi1/0/1(P) Gi1/0/2(P)\n"
#define ALLOWED "Port        Vlans allowed on trunk\nPo1 "
#define ACTIVE "\nPort        Vlans allowed and active in management domain\nPo1 "
#define NATIVE "Port  Mode  Encapsulation  Status  Native vlan\nPo1 on 802.1q trunking "
#define PARTNER "Partner's information:\nGi1/0/2 SA 255 "
#define BALANCE "EtherChannel Load-Balancing Configuration:\n "

static struct fake fake;
static struct view view;

/* guilty: output that provokes the code; innocent: one fact differs. */
static const struct {
	const char *code;
	enum ul_channel channel;
	const char *guilty, *innocent;
} situations[] = {
	{ "switch_not_bundled", UL_CHANNEL_STATIC, SUMMARY "1 Po1(SU) - Gi1/0/1(P) Gi1/0/2(s)\n",
	  GOOD },
	{ "switch_not_bundled", UL_CHANNEL_STATIC, SUMMARY "1 Po1(SU) - Gi1/0/1(P)\n", GOOD },
	{ "switch_bundles", UL_CHANNEL_NONE, GOOD, SUMMARY "1 Po1(SD) - Gi1/0/1(I) Gi1/0/2(I)\n" },
	{ "switch_mode", UL_CHANNEL_STATIC, SUMMARY "1 Po1(SU) LACP Gi1/0/1(P) Gi1/0/2(P)\n",
	  GOOD },
	{ "switch_mode", UL_CHANNEL_LACP, GOOD, SUMMARY "1 Po1(SU) LACP Gi1/0/1(P) Gi1/0/2(P)\n" },
	{ "switch_mode", UL_CHANNEL_STATIC, SUMMARY "1 Po1(SU) PAgP Gi1/0/1(P) Gi1/0/2(P)\n",
	  GOOD },
	{ "switch_two_channels", UL_CHANNEL_STATIC,
	  SUMMARY "1 Po1(SU) - Gi1/0/1(P)\n2 Po2(SU) - Gi1/0/2(P)\n",
	  SUMMARY "1 Po1(SU) - Gi1/0/1(P) Gi1/0/2(P)\n2 Po2(SU) - Gi1/0/3(P)\n" },
	{ "switch_partner", UL_CHANNEL_LACP, PARTNER "0200.0000.00ff 1s\n",
	  PARTNER "0200.0000.0001 1s\n" },
	{ "switch_vlan_missing", UL_CHANNEL_STATIC, GOOD ALLOWED "none\n", GOOD ALLOWED "100\n" },
	{ "switch_vlan_extra", UL_CHANNEL_STATIC, GOOD ALLOWED "99-100\n", GOOD ALLOWED "100\n" },
	{ "switch_vlan_inactive", UL_CHANNEL_STATIC, GOOD ALLOWED "100" ACTIVE "1\n",
	  GOOD ALLOWED "100" ACTIVE "1,100\n" },
	{ "switch_native_vlan", UL_CHANNEL_STATIC, GOOD NATIVE "100\n", GOOD NATIVE "999\n" },
	{ "switch_balance", UL_CHANNEL_STATIC, GOOD BALANCE "src-mac\n",
	  GOOD BALANCE "src-dst-ip\n" },
};

const char *switch_output_case(size_t i)
{
	return i < ARRAY_SIZE(situations) ? situations[i].code : NULL;
}

static json_t *compare(enum ul_channel channel, const char *text)
{
	_cleanup_(switch_output_done) struct switch_output output = {};
	_cleanup_(errors_done) struct errors errors = {};
	struct peer_port ports[UL_MAX_UPLINKS] = {};
	json_t *findings = NULL;

	fake_init(&fake, 2);
	fake.meta.channel = channel;
	memcpy(fake.meta.lacp_system, us.system, 6);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);

	cr_assert_eq(switch_output_parse(text, strlen(text), &output, &errors), 0, "%s", text);
	cr_assert_eq(peer_ports_parse(now, "Gi1/0/1,GigabitEthernet1/0/2", ports, NULL), 0);
	cr_assert_eq(switch_findings(now, ports, &output, &findings, &errors), 0, "%s: %s", text,
		     errors.n ? errors.messages[0] : "");
	return findings;
}

static bool has_code(json_t *findings, const char *code)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		expect_keys(code, finding, FINDING_KEYS);
		cr_expect_gt(json_array_size(json_object_get(finding, "evidence")), 0, "%s", code);
		if (strcmp(text(finding, "code"), code) == 0)
			return true;
	}
	return false;
}

Test(switch_output, each_finding_and_its_innocent_twin)
{
	json_t *finding;
	size_t f;

	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		json_auto_t *guilty = compare(situations[i].channel, situations[i].guilty),
			    *innocent = compare(situations[i].channel, situations[i].innocent);

		cr_expect(has_code(guilty, situations[i].code), "row %zu: %s", i,
			  situations[i].code);
		cr_expect_not(has_code(innocent, situations[i].code), "row %zu: %s", i,
			      situations[i].code);
		json_array_foreach(guilty, f, finding)
			cr_expect_str_eq(text(finding, "code"), situations[i].code, "row %zu", i);
		cr_expect_eq(json_array_size(innocent), 0, "row %zu", i);
	}
}

/* Bytes that are no printable ASCII reach neither a terminal nor JSON. */
Test(switch_output, control_characters)
{
	json_auto_t *findings = compare(UL_CHANNEL_STATIC, GOOD BALANCE "src\033[31m\xff-mac\n");

	cr_assert_eq(json_array_size(findings), 1);
	cr_expect(strstr(text(json_array_get(findings, 0), "message"), "by src?[31m?-mac,"), "%s",
		  text(json_array_get(findings, 0), "message"));
}

/* A port without link is down on the switch, too. */
Test(switch_output, a_port_without_link_is_not_reported_twice)
{
	_cleanup_(switch_output_done) struct switch_output output = {};
	struct peer_port ports[UL_MAX_UPLINKS] = {};
	json_auto_t *findings = NULL;
	static const char down[] = SUMMARY "1 Po1(SU) - Gi1/0/1(P) Gi1/0/2(D)\n";

	fake_init(&fake, 2);
	fake_cut(&fake, 1);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);

	cr_assert_eq(switch_output_parse(down, strlen(down), &output, NULL), 0);
	cr_assert_eq(peer_ports_parse(now, "Gi1/0/1,Gi1/0/2", ports, NULL), 0);
	cr_assert_eq(switch_findings(now, ports, &output, &findings, NULL), 0);
	cr_expect_eq(json_array_size(findings), 0);
}

Test(switch_output, output_of_another_switch)
{
	_cleanup_(switch_output_done) struct switch_output output = {};
	_cleanup_(errors_done) struct errors errors = {};
	struct peer_port ports[UL_MAX_UPLINKS] = {};
	json_t *findings = NULL;

	fake_init(&fake, 2);
	_cleanup_(snapshot_freep) struct snapshot *now = take_snapshot(&fake, &view);

	peer_ports_heard(now, ports);
	cr_assert_eq(switch_output_parse(GOOD, strlen(GOOD), &output, NULL), 0);
	cr_expect_eq(switch_findings(now, ports, &output, &findings, &errors), -EINVAL);
	cr_expect_null(findings);
	cr_assert_eq(errors.n, 1);
	cr_expect(strstr(errors.messages[0], "name them by --ports"), "%s", errors.messages[0]);
}
