// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/* Domains of libvirt: NICs with port groups from the metadata, and hostile documents. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "common/util.h"
#include "integration/libvirt/domain.h"

#define NIC(mac, target)                                             \
	"<interface type='ethernet'><mac address='" mac "'/>" target \
	"<model type='virtio'/></interface>"
#define TARGET(name) "<target dev='" name "' managed='no'/>"
#define PORT(rest) "<u:port switch='vs0' group='prod' " rest "/>"
#define PORTS(list)                                                                         \
	"<metadata><x:other xmlns:x='urn:x'/><u:ports xmlns:u='" DOMAIN_NAMESPACE "'>" list \
	"</u:ports></metadata>"
#define DOMAIN(metadata, nics) \
	"<domain type='kvm'><name>web1</name>" metadata "<devices>" nics "</devices></domain>"
#define A "52:54:00:00:00:0a"
#define B "52:54:00:00:00:0b"

static int parse(const char *xml, struct domain *ret, char error[256])
{
	size_t length = strlen(xml);
	char *copy = malloc(length); /* of its exact size */
	int r;

	memcpy(copy, xml, length);
	r = domain_parse(copy, length, ret, error, 256);
	free(copy);
	return r;
}

static void describe(const struct domain *domain, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < domain->n && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s=%s@%s/%s ",
					 domain->nics[i].mac, domain->nics[i].target,
					 domain->nics[i].switch_name, domain->nics[i].group);
}

/* clang-format off */
static const struct {
	const char *xml, *nics, *error;
} rows[] = {
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("vm-web1")) NIC("52:54:00:00:00:0B", "")),
	  A "=vm-web1@vs0/prod " B "=@vs0/prod ", NULL },
	{ DOMAIN(PORTS("<u:port switch='vs1' group='sto rage' mac='" B "'/>"), NIC(A, "") NIC(B, TARGET("t"))), B "=t@vs1/sto rage ", NULL },
	{ DOMAIN(PORTS(PORT("mac='52:54:00:00:00:0A'") "<u:port switch='vs1' group='g'/>"), NIC(A, "") NIC(B, "")), A "=@vs0/prod " B "=@vs1/g ", NULL },
	{ DOMAIN("", NIC(A, "")), "", NULL },
	{ DOMAIN(PORTS(""), NIC(A, "")), "", NULL },
	{ DOMAIN(PORTS(PORT("")), "<interface type='bridge'><mac address='" A "'/></interface><disk type='file'/>"), "", NULL },
	{ DOMAIN(PORTS(PORT("")), NIC(A, "<target dev='vnet0'/><target dev='x'/>")), A "=vnet0@vs0/prod ", NULL },
	/* another namespace, or none */
	{ DOMAIN("<metadata><ports xmlns='urn:other'><port switch='a' group='b'/></ports></metadata>", NIC(A, "")), "", NULL },
	{ DOMAIN("<metadata><ports><port switch='a' group='b'/></ports></metadata>", NIC(A, "")), "", NULL },
	/* text of the machine's owner */
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("$(reboot)"))), A "=$(reboot)@vs0/prod ", NULL },
	{ DOMAIN(PORTS("<u:port switch='vs0' group='; rm -rf ~'/>"), NIC(A, "")), A "=@vs0/; rm -rf ~ ", NULL },
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("-j"))), NULL, "interface " A ": target: no valid interface name" },
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("a b"))), NULL, "interface " A ": target: no valid interface name" },
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("../x"))), NULL, "interface " A ": target: no valid interface name" },
	{ DOMAIN(PORTS(PORT("")), NIC(A, TARGET("a-name-too-long-"))), NULL, "interface " A ": target: no valid interface name" },
	{ DOMAIN(PORTS(PORT("")), NIC("01:00:5e:00:00:01", "")), NULL, "interface of type ethernet: no valid MAC address" },
	{ DOMAIN(PORTS(PORT("")), "<interface type='ethernet'/>"), NULL, "interface of type ethernet: no valid MAC address" },
	{ DOMAIN(PORTS("<u:port group='g'/>"), ""), NULL, "metadata: port: switch: must be the name of a switch" },
	{ DOMAIN(PORTS("<u:port switch='a'/>"), ""), NULL, "metadata: port: group: must be the name of a group" },
	{ DOMAIN(PORTS("<u:port switch='-c' group='g'/>"), ""), NULL, "metadata: port: switch: must be the name of a switch" },
	{ DOMAIN(PORTS("<u:port switch='a' group='--help'/>"), ""), NULL, "metadata: port: group: must be the name of a group" },
	{ DOMAIN(PORTS("<u:port switch='a' group='x&#10;y'/>"), ""), NULL, "metadata: port: group: must be the name of a group" },
	{ DOMAIN(PORTS("<u:port switch='0123456789abcdef' group='g'/>"), ""), NULL, "metadata: port: switch: must be the name of a switch" },
	{ DOMAIN(PORTS(PORT("mac='x'")), ""), NULL, "metadata: port: mac: must be a unicast address such as 52:54:00:12:34:56" },
	{ DOMAIN(PORTS(PORT("mac='" A "'") PORT("mac='" A "'")), ""), NULL, "metadata: port: mac: " A ": is given twice" },
	{ DOMAIN(PORTS(PORT("") PORT("")), ""), NULL, "metadata: port: mac: none: is given twice" },
	{ DOMAIN(PORTS("<u:prot switch='a' group='b'/>"), ""), NULL, "metadata: ports: must have port elements only" },
	{ "<network/>", NULL, "domain: must be an element domain" },
	{ "", NULL, "domain: must be well-formed XML of at most 4194304 bytes" },
	{ "<domain><devices></domain>", NULL, "domain: must be well-formed XML of at most 4194304 bytes" },
	{ "<!DOCTYPE domain [<!ENTITY a SYSTEM 'file:///etc/shadow'>]>" DOMAIN(PORTS("<u:port switch='a' group='&a;'/>"), ""),
	  NULL, "domain: must be well-formed XML of at most 4194304 bytes" },
	{ "<!DOCTYPE domain [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><domain>&b;</domain>", NULL, "domain: must not have a DTD" },
};
/* clang-format on */

Test(integration_libvirt_domain, documents)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct domain domain;
		char text[512], error[256];
		int r = parse(rows[i].xml, &domain, error);

		describe(&domain, text, sizeof(text));
		if (rows[i].nics) {
			cr_expect_eq(r, 0, "row %zu: %s", i, error);
			cr_expect_str_eq(text, rows[i].nics, "row %zu: %s", i, text);
		} else {
			cr_expect_eq(r, -EINVAL, "row %zu", i);
			cr_expect_str_eq(error, rows[i].error, "row %zu: %s", i, error);
			cr_expect_eq(domain.n, 0, "row %zu", i);
		}
	}
}

Test(integration_libvirt_domain, more_than_there_is_room_for)
{
	char *xml = malloc(1 << 20), *end = xml, error[256];
	struct domain domain;

	end += sprintf(end, "<domain>" PORTS(PORT("")) "<devices>");
	for (int i = 0; i <= DOMAIN_MAX_NICS; i++)
		end += sprintf(end, NIC("52:54:00:00:00:%02x", ""), i);
	sprintf(end, "</devices></domain>");
	cr_expect_eq(parse(xml, &domain, error), -EINVAL);
	cr_expect_str_eq(error, "interfaces: must be at most 64");
	end = xml + sprintf(xml, "<domain><metadata><u:ports xmlns:u='" DOMAIN_NAMESPACE "'>");
	for (int i = 0; i <= 64; i++)
		end += sprintf(end, "<u:port switch='a' group='b' mac='52:54:00:00:00:%02x'/>", i);
	sprintf(end, "</u:ports></metadata></domain>");
	cr_expect_eq(parse(xml, &domain, error), -EINVAL);
	cr_expect_str_eq(error, "metadata: ports: must be at most 64");
	free(xml);
}
