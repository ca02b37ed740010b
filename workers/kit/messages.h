// SPDX-License-Identifier: GPL-3.0-or-later
// Reads an SMS from proto/dispatcher.capnp, and writes outcomes and health to it. Pure.
//
// Called by the server. The texts of a kind become printable and are cut to the bounds of the contract.
#pragma once

#include <proto/dispatcher.capnp.h>

#include <cstdint>

#include "workers/kit/dispatcher.h"

namespace smsd::kit {

Job readJob(proto::Sms::Reader sms);
/// `most`: the bound on the length of the reason or reference.
void write(proto::Outcome::Builder builder, const Outcome& outcome, std::size_t most = proto::MAX_REASON);
/// Cuts the reason or reference as write() does, so that a remembered outcome has the same bound.
void shorten(Outcome& outcome);
/// `active`: how many SMS are under way.
void write(proto::Health::Builder health, const Condition& condition, std::uint32_t active);

}  // namespace smsd::kit
