// SPDX-License-Identifier: GPL-2.0
/* Attaching a TCX link waits for a grace period of RCU, with the kernel's lock on all interfaces
 * held: 8 to 16 ms for each port, and nothing makes two of them run side by side. For as long as
 * many ports are attached, the kernel is asked for expedited grace periods (sysfs:
 * kernel/rcu_expedited, for the whole machine: they interrupt the other CPUs for some microseconds
 * each). Who is killed meanwhile leaves them on, which costs no more than that. */
#include "dataplane/dataplane.h"

#include <fcntl.h>

#define RCU_EXPEDITED "/sys/kernel/rcu_expedited"

int dataplane_hurry_begin(void)
{
	_cleanup_close_ int fd = open(RCU_EXPEDITED, O_RDWR | O_CLOEXEC);
	char value;

	/* Not allowed here, or somebody else wants it so already: as it is. */
	if (fd < 0 || read(fd, &value, 1) != 1 || value != '0' || pwrite(fd, "1", 1, 0) != 1)
		return -1;
	return TAKE_FD(fd);
}

void dataplane_hurry_end(int fd)
{
	if (fd < 0)
		return;
	if (pwrite(fd, "0", 1, 0) != 1)
		log_warning(-errno, "%s stays on", RCU_EXPEDITED);
	close(fd);
}
