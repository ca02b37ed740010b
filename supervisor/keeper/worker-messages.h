// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the messages of a worker: each text becomes printable and bounded. Pure.
//
// A worker is not trusted, so that no message is an error of ours: an outcome of an unknown kind is
// `unknown`, a text that is too long is cut, and details beyond the bounds are dropped. Called by Worker. A
// message whose pointers are malformed throws kj::Exception, except in readHealth().
#pragma once

#include <kj/common.h>
#include <proto/dispatcher.capnp.h>

#include <string>
#include <vector>

#include "supervisor/delivery/outcome.h"
#include "supervisor/keeper/generation.h"

namespace smsd::keeper {

std::string readText(capnp::Text::Reader text);
/// Returns why this supervisor and the worker do not work together, for people; none: they do.
kj::Maybe<std::string> versionsApart(proto::Description::Reader said);
std::string readKind(proto::Description::Reader said);
/// Returns the worker program's name and version.
std::string readSoftware(proto::Description::Reader said);
/// Returns whether a worker of smsd's own is of another build than smsd. Kinds that are not built in, and
/// other programs that serve the contract, have versions of their own.
bool isOtherBuild(const std::string& kind, const std::string& software);
/// Returns the parts of the inner lock that are in force, at most 16.
std::vector<std::string> readLock(proto::Description::Reader said);
/// Returns none if the message cannot be read.
kj::Maybe<HealthReport> readHealth(proto::Health::Reader said);
delivery::Outcome readOutcome(proto::Outcome::Reader outcome);
/// Returns the outcome in a report that is neither `begun` nor `notBegun`: `unknown`, if a later version of
/// the protocol has more than these.
delivery::Outcome readOutcome(proto::Report::Reader report);
Cause readCause(proto::Cause said);
/// The outcome of an SMS that the worker returned without a begin.
delivery::Outcome givenBack();

}  // namespace smsd::keeper
