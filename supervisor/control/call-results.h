// SPDX-License-Identifier: GPL-3.0-or-later
// Writes into the results of a call why it did not do what it was asked to. Called by the calls that work on
// the queue.
#pragma once

#include <kj/async.h>
#include <proto/control.capnp.h>

#include <string>

#include "common/kj/view.h"
#include "supervisor/control/questions.h"
#include "supervisor/queue/queue.h"

namespace smsd::control {

template <typename T>
kj::Promise<void> refuse(T& context, const std::string& problem,
                         proto::QueueFault fault = proto::QueueFault::NONE) {
  context.getResults().setProblem(view(problem));
  context.getResults().setFault(fault);
  return kj::READY_NOW;
}

/// For an act that may have been done in part.
template <typename Results>
void fail(Results& results, const queue::QueueError& error) {
  results.setProblem(error.what());
  results.setFault(queue::wireFault(error.kind()));
}

}  // namespace smsd::control
