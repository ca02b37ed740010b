// SPDX-License-Identifier: GPL-3.0-or-later
// Acts of an operator on many rows, in steps.
//
// Each step is a question of its own (questions.h), so that the road's claims and settlements, and other
// operators, go on between two of them. Called by Door. An act that an error or its patience interrupts has
// done its first steps, and its answer gives their number.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <cstddef>
#include <functional>
#include <optional>

#include "supervisor/control/questions.h"
#include "supervisor/queue/queue.h"

namespace smsd::control {

struct CancelEnd {
  queue::Cancelled cancelled;              // by the steps that were done
  std::optional<queue::QueueError> error;  // why it ended early
};

/// Calls `begins` with the number of chosen messages before the first of several steps.
kj::Promise<CancelEnd> cancelInSteps(Questions& questions, kj::Timer& timer, Questions::Room room,
                                     const queue::Choice& choice, std::size_t listed,
                                     std::function<void(std::size_t)> begins);

/// Ends all waits. Resolves with their number.
kj::Promise<queue::Answer<std::size_t>> endAllWaits(Questions& questions, Questions::Room room,
                                                    std::size_t before = 0);

}  // namespace smsd::control
