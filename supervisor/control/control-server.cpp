// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/control-server.h"

#include <unistd.h>

#include <utility>

#include "common/fault.h"
#include "common/journal/journal.h"
#include "supervisor/control/session.h"

namespace smsd::control {

ControlServer::ControlServer(kj::AsyncIoContext& io, const Sockets& sockets, Subject subject)
    : subject_(kj::mv(subject)),
      timer_(io.provider->getTimer()),
      started_(timer_.now()),
      tasks_(*this),
      glance_(subject_.queue, timer_, tasks_, subject_.road.figures()),
      room_(std::make_shared<AnswerRoom>(geteuid())),
      metrics_(glance_, timer_, subject_.road, subject_.mail, subject_.canaries, subject_.heartbeats),
      questions_(subject_.forOperators == nullptr ? subject_.queue : *subject_.forOperators,
                 subject_.forOperators == nullptr ? Questions::Connection::ofTheRoad
                                                  : Questions::Connection::ofItsOwn,
                 timer_,
                 [&road = subject_.road]() {
                   return road.ledger().away() ? road.ledger().awayBecause() : std::string();
                 }),
      control_(io, sockets.control, subject_.log, [this](std::optional<unsigned> uid) {
        auto answers = std::make_shared<ConnectionAnswers>(room_, uid);
        return Listener::Served{kj::heap<Door>(subject_, means(), answers), [this, answers]() {
                                  answers->gone();
                                  questions_.beginNext();
                                }};
      }) {
  if (sockets.status.empty()) return;
  status_.emplace(io, sockets.status, subject_.log, [this](std::optional<unsigned>) {
    return Listener::Served{kj::heap<StatusDoor>(subject_, means()), {}};
  });
}

ControlServer::~ControlServer() noexcept(false) = default;

Means ControlServer::means() { return {glance_, metrics_, questions_, notes_, timer_, started_}; }

void ControlServer::taskFailed(kj::Exception&& exception) { logFault(exception); }

void logFault(const kj::Exception& exception) {
  journal::Entry(journal::Level::warning, "control: " + faultOf(exception)).write();
}

}  // namespace smsd::control
