// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
#include "integration/libvirt/domain.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdarg.h>

#include "common/util.h"
#include "config/value.h"

#define MAX_PORTS 64

struct port_element {
	char mac[18]; /* "": all NICs */
	char switch_name[16], group[64];
};

struct reader {
	struct port_element ports[MAX_PORTS];
	size_t n_ports;
	struct domain *domain;
	char *error;
	size_t size;
};

static int refuse(struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(struct reader *reader, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(reader->error, reader->size, format, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- elements and attributes ---- */
static bool is_element(const xmlNode *node, const char *name, const char *namespace)
{
	if (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name) != 0)
		return false;
	return namespace ? node->ns && node->ns->href &&
				   strcmp((const char *)node->ns->href, namespace) == 0 :
			   !node->ns;
}

static const xmlNode *find_child(const xmlNode *parent, const char *name, const char *namespace)
{
	for (const xmlNode *node = parent->children; node; node = node->next)
		if (is_element(node, name, namespace))
			return node;
	return NULL;
}

/* Copies the attribute. 1; 0: there is none; -ENOSPC: it is too long; -ENOMEM. */
static int get_attribute(const xmlNode *node, const char *name, char *ret, size_t size)
{
	xmlChar *value = xmlGetNoNsProp((xmlNode *)node, (const xmlChar *)name);
	size_t length = value ? strlen((const char *)value) : 0;
	int r = value ? 1 : 0;

	if (!value)
		return xmlHasProp((xmlNode *)node, (const xmlChar *)name) ? -ENOMEM : 0;
	if (length >= size)
		r = -ENOSPC;
	else
		memcpy(ret, value, length + 1);
	xmlFree(value);
	return r;
}

/* A word of a command line: printable, and no option. */
static bool is_word(const char *text)
{
	if (!text[0] || text[0] == '-')
		return false;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool is_interface(const char *text)
{
	return is_word(text) && !strpbrk(text, "/: \t") && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}

/* In the form of mac_format(). */
static bool normalize_mac(char text[18])
{
	uint8_t mac[6];

	if (mac_parse(text, mac) < 0 || !mac_is_unicast(mac))
		return false;
	mac_format(mac, text);
	return true;
}

/* ---- metadata ---- */
static int read_word(struct reader *reader, const xmlNode *node, const char *name, char *ret,
		     size_t size)
{
	int r = get_attribute(node, name, ret, size);

	if (r == 1 && is_word(ret))
		return 0;
	if (r == -ENOMEM)
		return r;
	return refuse(reader, "metadata: port: %s: must be the name of a %s", name, name);
}

static int read_port(struct reader *reader, const xmlNode *node)
{
	struct port_element port = { .mac = "" };
	int r = read_word(reader, node, "switch", port.switch_name, sizeof(port.switch_name));

	if (r == 0)
		r = read_word(reader, node, "group", port.group, sizeof(port.group));
	if (r < 0)
		return r;
	r = get_attribute(node, "mac", port.mac, sizeof(port.mac));
	if (r == -ENOMEM)
		return r;
	if (r < 0 || (r == 1 && !normalize_mac(port.mac)))
		return refuse(
			reader,
			"metadata: port: mac: must be a unicast address such as 52:54:00:12:34:56");
	if (reader->n_ports == MAX_PORTS)
		return refuse(reader, "metadata: ports: must be at most %d", MAX_PORTS);
	for (size_t i = 0; i < reader->n_ports; i++)
		if (strcmp(reader->ports[i].mac, port.mac) == 0)
			return refuse(reader, "metadata: port: mac: %s: is given twice",
				      port.mac[0] ? port.mac : "none");
	reader->ports[reader->n_ports++] = port;
	return 0;
}

static int read_metadata(struct reader *reader, const xmlNode *root)
{
	const xmlNode *metadata = find_child(root, "metadata", NULL);
	const xmlNode *ports = metadata ? find_child(metadata, "ports", DOMAIN_NAMESPACE) : NULL;
	int r = 0;

	for (const xmlNode *node = ports ? ports->children : NULL; r == 0 && node;
	     node = node->next) {
		if (is_element(node, "port", DOMAIN_NAMESPACE))
			r = read_port(reader, node);
		else if (node->type == XML_ELEMENT_NODE)
			r = refuse(reader, "metadata: ports: must have port elements only");
	}
	return r;
}

/* ---- NICs ---- */
static const struct port_element *find_port(const struct reader *reader, const char *mac)
{
	const struct port_element *any = NULL;

	for (size_t i = 0; i < reader->n_ports; i++) {
		if (strcmp(reader->ports[i].mac, mac) == 0)
			return &reader->ports[i];
		if (!reader->ports[i].mac[0])
			any = &reader->ports[i];
	}
	return any;
}

static int read_nic(struct reader *reader, const xmlNode *interface)
{
	const xmlNode *address = find_child(interface, "mac", NULL),
		      *target = find_child(interface, "target", NULL);
	struct domain *domain = reader->domain;
	const struct port_element *port;
	struct domain_nic nic = { .mac = "" };
	char type[16];
	int r = get_attribute(interface, "type", type, sizeof(type));

	if (r == -ENOMEM)
		return r;
	if (r != 1 || strcmp(type, "ethernet") != 0)
		return 0;
	r = address ? get_attribute(address, "address", nic.mac, sizeof(nic.mac)) : 0;
	if (r == -ENOMEM)
		return r;
	if (r != 1 || !normalize_mac(nic.mac))
		return refuse(reader, "interface of type ethernet: no valid MAC address");
	port = find_port(reader, nic.mac);
	if (!port)
		return 0;
	r = target ? get_attribute(target, "dev", nic.target, sizeof(nic.target)) : 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0 || (r == 1 && !is_interface(nic.target)))
		return refuse(reader, "interface %s: target: no valid interface name", nic.mac);
	if (domain->n == DOMAIN_MAX_NICS)
		return refuse(reader, "interfaces: must be at most %d", DOMAIN_MAX_NICS);
	memcpy(nic.switch_name, port->switch_name, sizeof(nic.switch_name));
	memcpy(nic.group, port->group, sizeof(nic.group));
	domain->nics[domain->n++] = nic;
	return 0;
}

static int read_domain(struct reader *reader, const xmlDoc *document)
{
	const xmlNode *root = xmlDocGetRootElement((xmlDoc *)document), *devices;
	int r;

	if (document->intSubset || document->extSubset)
		return refuse(reader, "domain: must not have a DTD");
	if (!root || !is_element(root, "domain", NULL))
		return refuse(reader, "domain: must be an element domain");
	r = read_metadata(reader, root);
	devices = find_child(root, "devices", NULL);
	for (const xmlNode *node = devices && reader->n_ports ? devices->children : NULL;
	     r == 0 && node; node = node->next)
		if (is_element(node, "interface", NULL))
			r = read_nic(reader, node);
	return r;
}

int domain_parse(const char *xml, size_t length, struct domain *ret, char *error, size_t size)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	xmlDoc *document = NULL;
	int r = -ENOMEM;

	*ret = (struct domain){ .n = 0 };
	snprintf(error, size, "out of memory");
	if (!reader)
		return r;
	*reader = (struct reader){ .domain = ret, .error = error, .size = size };
	if (length <= DOMAIN_MAX_BYTES)
		document = xmlReadMemory(xml, (int)length, "domain.xml", NULL,
					 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
						 XML_PARSE_NOBLANKS);
	r = document ? read_domain(reader, document) :
		       refuse(reader, "domain: must be well-formed XML of at most %d bytes",
			      DOMAIN_MAX_BYTES);
	if (r < 0)
		ret->n = 0;
	xmlFreeDoc(document);
	free(reader);
	return r;
}
