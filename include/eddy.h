/* SPDX-License-Identifier: MIT
 * eddy.h - asyncio, in C: the whole of the core library. <eddy/http.h> and its like come beside it.
 */
#ifndef EDDY_H
#define EDDY_H

#include <eddy/address.h>
#include <eddy/base.h>
#include <eddy/channel.h>
#include <eddy/datagram.h>
#include <eddy/descriptor.h>
#include <eddy/error.h>
#include <eddy/executor.h>
#include <eddy/file.h>
#include <eddy/future.h>
#include <eddy/inspect.h>
#include <eddy/loop.h>
#include <eddy/name.h>
#include <eddy/pipe.h>
#include <eddy/process.h>
#include <eddy/server.h>
#include <eddy/stream.h>
#include <eddy/sync.h>
#include <eddy/task.h>
#include <eddy/task_group.h>
#include <eddy/task_local.h>
#include <eddy/threads.h>

#endif
