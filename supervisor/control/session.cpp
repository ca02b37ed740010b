// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/session.h"

#include <fmt/format.h>
#include <proto/dispatcher.capnp.h>

#include <algorithm>
#include <system_error>

#include "common/kj/view.h"
#include "common/text/utf.h"
#include "supervisor/control/queue-answers.h"
#include "supervisor/control/status.h"
#include "supervisor/control/test-report.h"

namespace smsd::control {
namespace {

constexpr std::size_t longestName = 64;  // bytes; more than any dispatcher's name has

/// Returns a dispatcher's name in a printable form for the journal, cut to `longestName`.
std::string shown(capnp::Text::Reader text) {
  return text::printable(std::string_view(text.begin(), text.size()), longestName);
}

std::string unknownName(const road::Road& road, const std::string& name) {
  return fmt::format("there is no dispatcher {}, expected one of {}", name,
                     fmt::join(road.dispatchers().names(), ", "));
}

std::string nameOf(proto::Act act) {
  switch (act) {
    case proto::Act::PAUSE:
      return "pause";
    case proto::Act::RESUME:
      return "resume";
    case proto::Act::RESTART:
      return "restart";
  }
  return {};
}

const char* wordsOf(keeper::Keeper::Resumed resumed) {
  using Resumed = keeper::Keeper::Resumed;
  switch (resumed) {
    case Resumed::nothing:
      return "was neither paused, resting nor broken";
    case Resumed::usable:
      return "is used again";
    case Resumed::probe:
      return "is tried with the next SMS";
    case Resumed::asked:
      return "is queried now, and used again if it works";
    case Resumed::started:
      return "had no worker; one is started now";
  }
  return "";
}

}  // namespace

kj::Promise<void> answerStatus(StatusCall context, const Subject& subject, const Means& means) {
  return means.glance.look().then([&subject, means, context](const std::optional<QueueLook>& look) mutable {
    writeStatus(context.getResults().initStatus(), subject.road, subject.backend,
                means.timer.now() - means.started, look,
                {subject.mail.mail(), &subject.canaries, &subject.heartbeats});
  });
}

kj::Promise<void> Door::status(StatusContext context) { return answerStatus(context, subject_, means_); }

kj::Promise<void> StatusDoor::status(StatusContext context) {
  return answerStatus(context, subject_, means_);
}

kj::Promise<void> Door::nudge(NudgeContext) {
  subject_.road.notice();
  return kj::READY_NOW;
}

kj::Promise<void> Door::stop(StopContext) {
  subject_.log.operatorActed("stop", uid_);
  subject_.stop();
  return kj::READY_NOW;
}

kj::Promise<void> Door::test(TestContext context) {
  auto params = context.getParams();
  std::string recipient = textOf(params.getRecipient());
  return subject_.road.testSms()
      .run({recipient, textOf(params.getText()), textOf(params.getVia())})
      .then([this, context, recipient](const road::TestSmsReport& report) mutable {
        subject_.log.operatorTested(text::printable(recipient, longestName), inBrief(report), uid_);
        write(context.getResults(), report);
      });
}

Door::Acted Door::actOnMail(proto::Act act, admin_mail::AdminMail& mail) {
  using Worker = admin_mail::AdminMail::Worker;
  if (act == proto::Act::PAUSE)
    return {"mail to the administrators cannot be paused: take admin_mail out of smsd.yaml, then reload", ""};
  mail.tryNow(act == proto::Act::RESTART ? Worker::fresh : Worker::present,
              "an operator asked smsd for this mail");
  return {"", act == proto::Act::RESTART
                  ? "gets a fresh worker, and a mail is sent at once: `smsctl status` shows whether it went"
                  : "sends a mail at once: `smsctl status` shows whether it went"};
}

Door::Acted Door::act(proto::Act act, keeper::Keeper& keeper) {
  Acted acted;
  switch (act) {
    case proto::Act::PAUSE:
      keeper.pause();
      acted.done = "is paused: it gets no more SMS; its worker finishes the SMS that it has begun";
      break;
    case proto::Act::RESUME:
      acted.done = wordsOf(keeper.resume());
      break;
    case proto::Act::RESTART:
      keeper.restart("an operator restarted it");
      acted.done = "gets a fresh worker as soon as the present one has finished the SMS that it has begun";
      return acted;
  }
  try {
    act == proto::Act::PAUSE ? subject_.pauses.add(keeper.name()) : subject_.pauses.remove(keeper.name());
  } catch (const std::system_error& e) {
    acted.problem = fmt::format(
        "{} of {} is done, but ends with the next restart of smsd, because it cannot be stored: {}",
        nameOf(act), keeper.name(), e.what());
  }
  return acted;
}

kj::Promise<void> Door::steer(SteerContext context) {
  auto params = context.getParams();
  const std::string name = shown(params.getName());
  const std::string what = nameOf(params.getAct());
  Acted acted{what.empty() ? "smsd does not support this command, it may be of another version than smsctl"
                           : unknownName(subject_.road, name),
              ""};
  KJ_IF_MAYBE (at, subject_.road.dispatchers().find(name)) {
    if (!what.empty()) {
      subject_.log.operatorActed(what + " of " + name, uid_);
      acted = act(params.getAct(), subject_.road.dispatchers()[*at]);
    }
  } else if (auto* mail = subject_.mail.mail();
             mail != nullptr && !what.empty() && mail->report().dispatcher == name) {
    subject_.log.operatorActed(what + " of " + name, uid_);
    acted = actOnMail(params.getAct(), *mail);
  }
  context.getResults().setProblem(view(acted.problem));
  context.getResults().setDone(view(acted.done));
  return kj::READY_NOW;
}

kj::Promise<void> Door::runCanary(RunCanaryContext context) {
  const std::string name = shown(context.getParams().getDispatcher());
  subject_.log.operatorActed(name.empty() ? "canary of all dispatchers" : "canary of " + name, uid_);
  return subject_.canaries.runNow(name).then([context](const road::TestSmsReport& report) mutable {
    context.getResults().setProblem(view(report.problem));
    write(context.getResults().initTries(static_cast<unsigned>(report.tries.size())), report);
  });
}

kj::Promise<void> Door::reload(ReloadContext context) {
  subject_.log.operatorActed("reload", uid_);
  return subject_.reload().then([context](const Subject::Reloaded& reloaded) mutable {
    context.getResults().setProblem(view(reloaded.problem));
    context.getResults().setDone(view(reloaded.done));
  });
}

}  // namespace smsd::control
