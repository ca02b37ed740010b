// SPDX-License-Identifier: GPL-3.0-or-later
// Looks at the running smsd through control.sock.
#include <fmt/format.h>

#include "supervisor/control/client.h"
#include "supervisor/smsctl/doctor/sources.h"

namespace smsd::smsctl::doctor {
namespace {

using Answer = DaemonFacts::Answer;

constexpr auto patience = 5 * kj::SECONDS;

DaemonFacts::Dispatcher read(proto::DispatcherStatus::Reader one) {
  DaemonFacts::Dispatcher facts{.name = one.getName().cStr(),
                                .kind = one.getKind().cStr(),
                                .reason = one.getReason().cStr(),
                                .software = one.getSoftware().cStr()};
  facts.broken = one.getState() == proto::DispatcherState::BROKEN;
  facts.resting = one.getState() == proto::DispatcherState::RESTING;
  facts.ready = one.getState() == proto::DispatcherState::READY;
  facts.pid = static_cast<int>(one.getWorkerPid());
  // A daemon of an older version does not have the field, and before a worker is ready there is none.
  facts.lockKnown = one.hasLock() && one.getSoftware().size() > 0;
  for (auto part : one.getLock()) facts.lock.emplace_back(part.cStr());
  return facts;
}

}  // namespace

DaemonFacts lookAtDaemon(const config::Config& config, std::string& strain) {
  DaemonFacts facts;
  try {
    control::Client client(config.controlSocket);
    facts.pid = client.pid();
    auto response = client.wait<capnp::Response<proto::Control::StatusResults>>(
        client.control().statusRequest().send(), patience);
    auto status = response.getStatus();
    facts.answer = Answer::yes;
    facts.version = status.getVersion().cStr();
    facts.pid = static_cast<int>(status.getPid());
    for (auto trouble : status.getTroubles()) facts.troubles.emplace_back(trouble.cStr());
    for (auto one : status.getDispatchers()) facts.dispatchers.push_back(read(one));
    strain = status.getQueue().getStrain().cStr();
  } catch (const control::Unreachable& error) {
    using Why = control::Unreachable::Why;
    facts.answer = error.why() == Why::notRunning ? Answer::notRunning
                   : error.why() == Why::denied   ? Answer::denied
                   : error.isFull()               ? Answer::silent
                                                  : Answer::inDoubt;
    facts.words = error.what();
  } catch (const kj::Exception& error) {
    const bool silent = error.getType() == kj::Exception::Type::OVERLOADED;
    facts.answer = silent ? Answer::silent : Answer::inDoubt;
    facts.words = silent ? fmt::format("it has not answered within {} s", patience / kj::SECONDS)
                         : control::noAnswer(error);
  }
  return facts;
}

}  // namespace smsd::smsctl::doctor
