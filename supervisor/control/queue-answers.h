// SPDX-License-Identifier: GPL-3.0-or-later
// The records of the queue as messages of proto/records.capnp, in both directions.
//
// The daemon writes them, smsctl reads them. Pure. The bounds of the contract (maxListed, maxAnswer,
// maxAttempts) are kept here, so that no answer of the daemon can exceed what a client reads.
#pragma once

#include <proto/control.capnp.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::control {

/// Returns the text, which may contain NUL.
std::string textOf(capnp::Text::Reader text);

/// Returns how many concatenated SMS the whole text would take.
std::size_t partsOfAll(const std::string& text, const format::FormatRules& rules);

/// Returns the number of records that an answer may list for a request with this limit.
std::size_t mayList(std::uint32_t limit);
/// Returns how many of `messages`, from the first on, one answer holds: at most `limit`, and maxAnswer bytes.
std::size_t fitting(const std::vector<queue::StoredMessage>& messages, std::size_t limit);
std::size_t fitting(const std::vector<queue::HeldSms>& held, std::size_t limit);

void write(capnp::List<proto::QueuedMessage>::Builder list,
           const std::vector<queue::StoredMessage>& messages);
void write(capnp::List<proto::HeldSms>::Builder list, const std::vector<queue::HeldSms>& held);
/// Leaves out the first submissions and attempts if there are too many.
void write(proto::MessageLife::Builder builder, const queue::MessageLife& life);

/// The status of a message: none for letters of a later version.
std::optional<queue::SentStatus> statusOf(capnp::Text::Reader letter);
std::vector<queue::StoredMessage> read(capnp::List<proto::QueuedMessage>::Reader list);
std::vector<queue::HeldSms> read(capnp::List<proto::HeldSms>::Reader list);
queue::MessageLife read(proto::MessageLife::Reader life);

}  // namespace smsd::control
