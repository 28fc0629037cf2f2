// SPDX-License-Identifier: GPL-2.0
// Copyright (C) The uplinkd authors
/*
 * Messages of one interface, collected, changed and sent. A message of a dump becomes a request
 * when the attributes that only report something, and the flags that a request must not have, are
 * removed.
 */
#include "link/transfer.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "common/util.h"
#include "link/internal.h"

#define REQUEST_BYTES 128
#define MAX_MESSAGES 8192
#define USER_HZ 100 /* of rta_cacheinfo.rta_expires */

/* ---- kinds of messages ---- */
struct kind {
	uint16_t add, remove; /* RTM_NEW*, RTM_DEL* */
	uint16_t get;
	uint16_t add_flags;
	size_t header;
	bool (*wanted)(const struct nlmsghdr *message, const struct link_move *moves, size_t n);
	int (*make)(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
		    bool add, struct nlmsghdr *request);
};

static const struct kind *kind_of(uint16_t type);

static const struct link_move *find_move(const struct link_move *moves, size_t n, uint32_t ifindex)
{
	for (size_t i = 0; i < n; i++)
		if (moves[i].from == ifindex)
			return &moves[i];
	return NULL;
}

static uint32_t moved(const struct link_move *moves, size_t n, uint32_t ifindex)
{
	const struct link_move *move = find_move(moves, n, ifindex);

	return move ? move->to : ifindex;
}

static bool has_moved(const struct link_move *moves, size_t n, const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) == sizeof(uint32_t) &&
	       find_move(moves, n, mnl_attr_get_u32(attr));
}

static const struct nlattr *find_attr(const struct nlmsghdr *message, size_t header, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, header)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

/* ---- attributes of a request: 0, or -EBADMSG if they exceed its buffer ---- */
/* A message of the journal may have many short names, which the moves make longer. */
static int put_u32(struct nlmsghdr *request, uint16_t type, uint32_t value)
{
	return mnl_attr_put_u32_check(request, LINK_MESSAGE_BYTES, type, value) ? 0 : -EBADMSG;
}

static int put_name(struct nlmsghdr *request, uint16_t type, const char *name)
{
	return mnl_attr_put_strz_check(request, LINK_MESSAGE_BYTES, type, name) ? 0 : -EBADMSG;
}

/* With the flags of nesting. */
static int copy_attr(struct nlmsghdr *request, const struct nlattr *attr)
{
	return mnl_attr_put_check(request, LINK_MESSAGE_BYTES, attr->nla_type,
				  mnl_attr_get_payload_len(attr), mnl_attr_get_payload(attr)) ?
		       0 :
		       -EBADMSG;
}

/* ---- addresses ---- */
static uint32_t address_flags(const struct nlmsghdr *message)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr = find_attr(message, sizeof(*ifa), IFA_FLAGS);

	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr) :
									    ifa->ifa_flags;
}

static bool is_wanted_address(const struct nlmsghdr *message, const struct link_move *moves,
			      size_t n)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);

	if (!find_move(moves, n, ifa->ifa_index))
		return false;
	return ifa->ifa_family == AF_INET ||
	       (ifa->ifa_family == AF_INET6 && ifa->ifa_scope != RT_SCOPE_LINK &&
		!(address_flags(message) & IFA_F_TEMPORARY));
}

/* "br0" and "br0:1" become labels of the other interface. */
static int put_label(struct nlmsghdr *request, const struct nlattr *attr,
		     const struct link_move *move)
{
	char label[UL_NAME_LEN], text[2 * UL_NAME_LEN];
	size_t n = strlen(move->from_name);

	snprintf(label, sizeof(label), "%.*s", (int)mnl_attr_get_payload_len(attr),
		 mnl_attr_get_str(attr));
	if (strncmp(label, move->from_name, n) != 0 || (label[n] && label[n] != ':'))
		return 0;
	snprintf(text, sizeof(text), "%s%s", move->to_name, label + n);
	return strlen(text) < UL_NAME_LEN ? put_name(request, IFA_LABEL, text) : 0;
}

/* The address was checked for duplicates when it was set first, and must be usable at once. */
static int put_address_flags(struct nlmsghdr *request, uint32_t flags, unsigned int family)
{
	const uint32_t kept = IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN | IFA_F_MANAGETEMPADDR |
			      IFA_F_HOMEADDRESS;
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(request);

	flags = (flags & kept) | (family == AF_INET6 ? IFA_F_NODAD : 0);
	ifa->ifa_flags = (uint8_t)flags;
	return put_u32(request, IFA_FLAGS, flags);
}

static bool is_address(uint16_t type)
{
	return type == IFA_LOCAL || type == IFA_ADDRESS;
}

/* The others report a state. */
static bool is_kept(uint16_t type)
{
	return type == IFA_BROADCAST || type == IFA_CACHEINFO || type == IFA_RT_PRIORITY ||
	       type == IFA_PROTO || type == IFA_LABEL;
}

static int make_address(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
			bool add, struct nlmsghdr *request)
{
	struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(request);
	const struct link_move *move = find_move(moves, n, ifa->ifa_index);
	const struct nlattr *attr;
	int r = 0;

	ifa->ifa_index = moved(moves, n, ifa->ifa_index);
	mnl_attr_for_each(attr, message, sizeof(*ifa))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (r < 0)
			break;
		if (add && type == IFA_LABEL && move)
			r = put_label(request, attr, move);
		else if (is_address(type) || (add && is_kept(type)))
			r = copy_attr(request, attr);
	}
	if (r == 0 && add)
		r = put_address_flags(request, address_flags(message), ifa->ifa_family);
	return r;
}

/* ---- neighbours ---- */
static bool is_wanted_neighbour(const struct nlmsghdr *message, const struct link_move *moves,
				size_t n)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(message);

	return find_move(moves, n, (uint32_t)ndm->ndm_ifindex) && ndm->ndm_state & NUD_PERMANENT &&
	       ndm->ndm_type == RTN_UNICAST &&
	       (ndm->ndm_family == AF_INET || ndm->ndm_family == AF_INET6);
}

static int make_neighbour(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
			  bool add, struct nlmsghdr *request)
{
	struct ndmsg *ndm = mnl_nlmsg_get_payload(request);
	const struct nlattr *attr;
	int r = 0;

	ndm->ndm_ifindex = (int)moved(moves, n, (uint32_t)ndm->ndm_ifindex);
	mnl_attr_for_each(attr, message, sizeof(*ndm))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if (type == NDA_DST || (add && (type == NDA_LLADDR || type == NDA_PROTOCOL)))
			r = copy_attr(request, attr);
		if (r < 0)
			break;
	}
	return r;
}

/* ---- routes ---- */
static bool is_hop(const struct rtnexthop *hop, int left)
{
	return left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) && hop->rtnh_len <= left;
}

static bool has_hop(const struct nlattr *attr, const struct link_move *moves, size_t n)
{
	struct rtnexthop *hop = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	for (; is_hop(hop, left); left -= (int)RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		if (find_move(moves, n, (uint32_t)hop->rtnh_ifindex))
			return true;
	return false;
}

/*
 * The kernel makes the route to the network of an address again, with metric 0 (256 for IPv6).
 * Other metrics are of software that adds the address without that route, and the route with the
 * same protocol: NetworkManager.
 */
static bool is_made_by_kernel(const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	const struct nlattr *metric = find_attr(message, sizeof(*rtm), RTA_PRIORITY),
			    *to = find_attr(message, sizeof(*rtm), RTA_DST);
	uint32_t value = metric && mnl_attr_get_payload_len(metric) == sizeof(value) ?
				 mnl_attr_get_u32(metric) :
				 0;

	if (rtm->rtm_protocol != RTPROT_KERNEL)
		return false;
	if (rtm->rtm_type != RTN_UNICAST || !to || !mnl_attr_get_payload_len(to))
		return true;
	if (rtm->rtm_family == AF_INET)
		return value == 0;
	return value == 0 || value == 256 || *(const uint8_t *)mnl_attr_get_payload(to) == 0xfe;
}

static bool is_wanted_route(const struct nlmsghdr *message, const struct link_move *moves, size_t n)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if ((rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    is_made_by_kernel(message) || rtm->rtm_table == RT_TABLE_LOCAL ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return false;
	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		uint16_t type = mnl_attr_get_type(attr);

		if ((type == RTA_OIF && has_moved(moves, n, attr)) ||
		    (type == RTA_MULTIPATH && has_hop(attr, moves, n)))
			return true;
	}
	return false;
}

static int put_hops(struct nlmsghdr *request, const struct nlattr *attr,
		    const struct link_move *moves, size_t n)
{
	uint32_t offset = request->nlmsg_len + MNL_ATTR_HDRLEN;
	struct rtnexthop *hop;
	int left = mnl_attr_get_payload_len(attr), r = copy_attr(request, attr);

	if (r < 0)
		return r;
	hop = (struct rtnexthop *)((char *)request + offset);
	for (; is_hop(hop, left); left -= (int)RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		hop->rtnh_ifindex = (int)moved(moves, n, (uint32_t)hop->rtnh_ifindex);
		hop->rtnh_flags &= RTNH_F_ONLINK;
	}
	return 0;
}

static int put_expiry(struct nlmsghdr *request, const struct nlattr *attr)
{
	struct rta_cacheinfo info;

	if (mnl_attr_get_payload_len(attr) < sizeof(info))
		return 0;
	memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
	if (info.rta_expires <= 0)
		return 0;
	return put_u32(request, RTA_EXPIRES, (uint32_t)info.rta_expires / USER_HZ + 1);
}

static int put_route_attr(struct nlmsghdr *request, const struct nlattr *attr,
			  const struct link_move *moves, size_t n, bool add)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_NH_ID:
		return -EOPNOTSUPP;
	case RTA_OIF:
		if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			return 0;
		return put_u32(request, RTA_OIF, moved(moves, n, mnl_attr_get_u32(attr)));
	case RTA_MULTIPATH:
		return put_hops(request, attr, moves, n);
	case RTA_CACHEINFO:
		return add ? put_expiry(request, attr) : 0;
	default:
		return copy_attr(request, attr);
	}
}

static int make_route(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
		      bool add, struct nlmsghdr *request)
{
	struct rtmsg *rtm = mnl_nlmsg_get_payload(request);
	const struct nlattr *attr;
	int r = 0;

	rtm->rtm_flags &= RTNH_F_ONLINK;
	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		r = put_route_attr(request, attr, moves, n, add);
		if (r < 0)
			break;
	}
	return r;
}

/* ---- rules ---- */
static bool is_name(const struct nlattr *attr, const char *name)
{
	size_t length = mnl_attr_get_payload_len(attr);

	return strnlen(mnl_attr_get_payload(attr), length) < length &&
	       strcmp(mnl_attr_get_str(attr), name) == 0;
}

static const struct link_move *find_name(const struct link_move *moves, size_t n,
					 const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	for (size_t i = 0; (type == FRA_IIFNAME || type == FRA_OIFNAME) && i < n; i++)
		if (is_name(attr, moves[i].from_name))
			return &moves[i];
	return NULL;
}

static bool is_wanted_rule(const struct nlmsghdr *message, const struct link_move *moves, size_t n)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct fib_rule_hdr))
	{
		if (find_name(moves, n, attr))
			return true;
	}
	return false;
}

static int make_rule(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
		     bool add, struct nlmsghdr *request)
{
	struct fib_rule_hdr *rule = mnl_nlmsg_get_payload(request);
	const struct nlattr *attr;
	int r = 0;

	(void)add;
	rule->flags &= FIB_RULE_INVERT;
	mnl_attr_for_each(attr, message, sizeof(*rule))
	{
		const struct link_move *move = find_name(moves, n, attr);

		r = move ? put_name(request, mnl_attr_get_type(attr), move->to_name) :
			   copy_attr(request, attr);
		if (r < 0)
			break;
	}
	return r;
}

/* clang-format off */
static const struct kind kinds[] = {
	{ RTM_NEWADDR,	RTM_DELADDR,  RTM_GETADDR,  NLM_F_CREATE | NLM_F_EXCL,	 sizeof(struct ifaddrmsg),    is_wanted_address,   make_address },
	{ RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct ndmsg),	      is_wanted_neighbour, make_neighbour },
	/* append: routes of one destination and metric keep their order */
	{ RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE, NLM_F_CREATE | NLM_F_APPEND, sizeof(struct rtmsg),	      is_wanted_route,	   make_route },
	{ RTM_NEWRULE,	RTM_DELRULE,  RTM_GETRULE,  NLM_F_CREATE | NLM_F_EXCL,	 sizeof(struct fib_rule_hdr), is_wanted_rule,	   make_rule },
};
/* clang-format on */

static const struct kind *kind_of(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].add == type)
			return &kinds[i];
	return NULL;
}

/* ---- lists ---- */
void link_messages_done(struct link_messages *messages)
{
	for (size_t i = 0; i < messages->n; i++)
		free(messages->list[i]);
	free(messages->list);
	*messages = (struct link_messages){ 0 };
}

static bool attributes_are_valid(const struct nlmsghdr *message, size_t header)
{
	const struct nlattr *attr = mnl_nlmsg_get_payload_offset(message, header);
	int left = (int)(message->nlmsg_len - NLMSG_HDRLEN - MNL_ALIGN(header));

	for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr))
		left -= (int)MNL_ALIGN(attr->nla_len);
	return left <= 0;
}

/* Room for what is added to it: flags, a longer name. */
static bool is_valid(const void *bytes, size_t length)
{
	const struct nlmsghdr *message = bytes;
	const struct kind *kind;

	if (length < NLMSG_HDRLEN || length > LINK_MESSAGE_BYTES - 128 ||
	    message->nlmsg_len != length)
		return false;
	kind = kind_of(message->nlmsg_type);
	return kind && length >= NLMSG_HDRLEN + MNL_ALIGN(kind->header) &&
	       attributes_are_valid(message, kind->header);
}

int link_messages_add(struct link_messages *messages, const void *bytes, size_t length)
{
	struct nlmsghdr **list, *copy;

	if (!is_valid(bytes, length) || messages->n == MAX_MESSAGES)
		return -EBADMSG;
	list = reallocarray(messages->list, messages->n + 1, sizeof(*list));
	if (list)
		messages->list = list;
	copy = malloc(length);
	if (!list || !copy) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, bytes, length);
	list[messages->n++] = copy;
	return 0;
}

bool link_message_refers_to(const struct nlmsghdr *message, const struct link_move *moves, size_t n)
{
	return kind_of(message->nlmsg_type)->wanted(message, moves, n);
}

const char *link_message_describe(const struct nlmsghdr *message, char text[LINK_USAGE_TEXT_LEN])
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(message);
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	char address[INET6_ADDRSTRLEN] = "default";
	const struct nlattr *attr = NULL;
	bool is_address = message->nlmsg_type == RTM_NEWADDR;
	size_t size = rtm->rtm_family == AF_INET6 ? 16 : 4;

	if (is_address) {
		attr = find_attr(message, sizeof(*ifa), IFA_LOCAL);
		attr = attr ? attr : find_attr(message, sizeof(*ifa), IFA_ADDRESS);
	} else if (message->nlmsg_type == RTM_NEWROUTE) {
		attr = find_attr(message, sizeof(*rtm), RTA_DST);
	} else {
		snprintf(text, LINK_USAGE_TEXT_LEN, "%s",
			 message->nlmsg_type == RTM_NEWRULE ? "rule" : "neighbour");
		return text;
	}
	if (!attr || mnl_attr_get_payload_len(attr) != size ||
	    !inet_ntop(rtm->rtm_family, mnl_attr_get_payload(attr), address, sizeof(address)))
		snprintf(text, LINK_USAGE_TEXT_LEN, "%s default", is_address ? "address" : "route");
	else
		snprintf(text, LINK_USAGE_TEXT_LEN, "%s %s/%u", is_address ? "address" : "route",
			 address, is_address ? ifa->ifa_prefixlen : rtm->rtm_dst_len);
	return text;
}

/* ---- collecting ---- */
struct collection {
	const struct link_move *moves;
	size_t n;
	struct link_messages *messages;
	struct errors *errors;
};

static int on_message(const struct nlmsghdr *message, void *userdata)
{
	struct collection *collection = userdata;
	const struct kind *kind = kind_of(message->nlmsg_type);
	char buffer[LINK_MESSAGE_BYTES], text[LINK_USAGE_TEXT_LEN];
	int r;

	if (!kind || mnl_nlmsg_get_payload_len(message) < kind->header ||
	    !kind->wanted(message, collection->moves, collection->n))
		return 0;
	r = link_messages_add(collection->messages, message, message->nlmsg_len);
	if (r == 0)
		r = link_message_make(message, collection->moves, collection->n, true, buffer);
	if (r < 0)
		errors_add(collection->errors, r, "%s: cannot be moved%s",
			   link_message_describe(message, text),
			   r == -EOPNOTSUPP ? ": it refers to a nexthop object" : "");
	return r;
}

static int collect_kind(struct netlink *nl, const struct kind *kind, struct collection *collection)
{
	uint8_t buffer[REQUEST_BYTES] = { 0 };
	size_t before = collection->messages->n;
	int r = -EINTR;

	for (int i = 0; r == -EINTR && i < NETLINK_DUMP_TRIES; i++) {
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

		while (collection->messages->n > before)
			free(collection->messages->list[--collection->messages->n]);
		mnl_nlmsg_put_extra_header(request, kind->header);
		request->nlmsg_type = kind->get;
		request->nlmsg_flags = NLM_F_DUMP;
		r = netlink_query(nl, request, on_message, collection);
	}
	/* a kernel without rules */
	return r == -EOPNOTSUPP && kind->get == RTM_GETRULE ? 0 : r;
}

int link_collect(const struct link_move *moves, size_t n, struct link_messages *ret,
		 struct errors *errors)
{
	struct link_messages messages = { 0 };
	struct collection collection = { moves, n, &messages, errors };
	struct netlink nl;
	int r = netlink_open(&nl, NETLINK_ROUTE, false);

	if (r < 0)
		return errors_add(errors, r, "addresses and routes cannot be read");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(kinds); i++)
		r = collect_kind(&nl, &kinds[i], &collection);
	netlink_close(&nl);
	if (r < 0) {
		link_messages_done(&messages);
		return errors_add(errors, r, "addresses and routes cannot be read");
	}
	*ret = messages;
	return 0;
}

/* ---- sending ---- */
int link_message_make(const struct nlmsghdr *message, const struct link_move *moves, size_t n,
		      bool add, void *buffer)
{
	const struct kind *kind = kind_of(message->nlmsg_type);
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	memcpy(mnl_nlmsg_put_extra_header(request, kind->header), mnl_nlmsg_get_payload(message),
	       kind->header);
	request->nlmsg_type = add ? kind->add : kind->remove;
	request->nlmsg_flags = add ? kind->add_flags : 0;
	return kind->make(message, moves, n, add, request);
}

/* Errors of a request whose effect exists already, or whose interface was deleted. */
static bool is_done(int error, bool add)
{
	return add ? error == -EEXIST :
		     error == -ENOENT || error == -ESRCH || error == -EADDRNOTAVAIL ||
			       error == -ENODEV;
}

static int send_one(struct netlink *nl, const struct nlmsghdr *message,
		    const struct link_move *moves, size_t n, bool add)
{
	uint8_t buffer[LINK_MESSAGE_BYTES];
	int r = link_message_make(message, moves, n, add, buffer);

	if (r == 0)
		r = netlink_query(nl, (struct nlmsghdr *)buffer, NULL, NULL);
	return is_done(r, add) ? 0 : r;
}

/* A route may need another one to its gateway, whatever their order: those that failed are tried
 * again as long as that helps. */
static void add_all(struct netlink *nl, const struct link_messages *messages,
		    const struct link_move *moves, size_t n, int *results)
{
	bool progress = true;

	for (size_t i = 0; i < messages->n; i++)
		results[i] = 1; /* not tried */
	while (progress) {
		progress = false;
		for (size_t i = 0; i < messages->n; i++) {
			if (results[i] == 0)
				continue;
			results[i] = send_one(nl, messages->list[i], moves, n, true);
			progress = progress || results[i] == 0;
		}
	}
}

static void remove_all(struct netlink *nl, const struct link_messages *messages,
		       const struct link_move *moves, size_t n, int *results)
{
	for (size_t i = messages->n; i-- > 0;)
		results[i] = send_one(nl, messages->list[i], moves, n, false);
}

static int report_results(const struct link_messages *messages, const int *results, bool add,
			  struct errors *errors)
{
	char text[LINK_USAGE_TEXT_LEN];
	int r = 0;

	for (size_t i = 0; i < messages->n; i++) {
		if (results[i] == 0)
			continue;
		errors_add(errors, results[i], "%s: cannot be %s",
			   link_message_describe(messages->list[i], text),
			   add ? "added" : "removed");
		r = r < 0 ? r : results[i];
	}
	return r;
}

int link_messages_apply(const struct link_messages *messages, const struct link_move *moves,
			size_t n, bool add, struct errors *errors)
{
	_cleanup_free_ int *results = calloc(messages->n + 1, sizeof(*results));
	struct netlink nl;
	int r = results ? netlink_open(&nl, NETLINK_ROUTE, false) : -ENOMEM;

	if (r < 0)
		return errors_add(errors, r, "addresses and routes cannot be changed");
	(add ? add_all : remove_all)(&nl, messages, moves, n, results);
	netlink_close(&nl);
	return report_results(messages, results, add, errors);
}
