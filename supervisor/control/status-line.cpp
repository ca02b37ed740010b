// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/status-line.h"

#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/kj/duration.h"
#include "supervisor/control/findings.h"
#include "supervisor/delivery/backoff.h"

namespace smsd::control {
namespace {

constexpr Milliseconds lookEvery = 30s;
constexpr delivery::Backoff whileBusy{1s, 2, lookEvery};

}  // namespace

StatusLine::StatusLine(kj::Timer& timer, queue::QueueThread& queue, const road::Road& road,
                       const admin_mail::MailDesk& mail, const watchkeeping::CanaryWatch& canaries,
                       const watchkeeping::Heartbeats& heartbeats)
    : timer_(timer),
      road_(road),
      mail_(mail),
      canaries_(canaries),
      heartbeats_(heartbeats),
      tasks_(*this),
      glance_(queue, timer, tasks_, road.figures()),
      due_(timer, [this]() { look(); }) {}

std::string StatusLine::text() const {
  return lineOf(pictureOf(road_, {mail_.mail(), &canaries_, &heartbeats_}, last_, looked_));
}

void StatusLine::watch(kj::Function<void()> changed) {
  changed_ = kj::mv(changed);
  watches_ = true;
  look();
}

void StatusLine::look() {
  busy_ = stale_ ? busy_ + 1 : 0;
  stale_ = false;
  lookedAt_ = timer_.now();
  tasks_.add(glance_.look().then([this](std::optional<QueueLook> found) {
    looked_ = found ? Picture::Looked::yes : Picture::Looked::inVain;
    last_ = std::move(found);
    if (!stale_) due_.in(lookEvery);
    changed_();
  }));
}

/// The first change after a look: a storm of changes does not make a storm of looks.
void StatusLine::lookSoon() {
  stale_ = true;
  due_.notLaterThan(lookedAt_ + duration(whileBusy.after(busy_ + 1)));
}

void StatusLine::taskFailed(kj::Exception&& exception) {
  journal::Entry(journal::Level::warning, "the queue cannot be looked at: " + faultOf(exception)).write();
  due_.in(lookEvery);
}

}  // namespace smsd::control
