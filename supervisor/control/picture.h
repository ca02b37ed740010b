// SPDX-License-Identifier: GPL-3.0-or-later
// A picture of the running daemon at one moment, as plain values.
//
// picture.cpp fills it from the road, its keepers and the mail to the administrators; findings.h judges it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/admin-mail/admin-mail.h"
#include "supervisor/config/config.h"
#include "supervisor/control/state-folder.h"
#include "supervisor/keeper/dispatcher-state.h"
#include "supervisor/keeper/reasons.h"
#include "supervisor/queue/bell.h"
#include "supervisor/queue/installation.h"
#include "supervisor/queue/records.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/canary-watch.h"
#include "supervisor/watchkeeping/heartbeats.h"

namespace smsd::control {

using Seconds = std::chrono::seconds;

/// What a look at the queue found.
struct QueueLook {
  queue::Depth depth;
  std::vector<queue::LiveSupervisor> supervisors;  // this one included; empty: not known
  road::LostMessages::Checked lost = {};           // which messages that nobody got are still ignored
  bool paces = true;                               // the queue can pace; also true if that is not known
};

/// The last canary of a dispatcher, which was not accepted.
struct CanaryFailure {
  std::string result;  // "refused", or "not tried"
  std::string why;
  Seconds ago{0};
};

struct DispatcherPicture {
  std::string name;
  config::Activation activation = config::Activation::spawn;
  keeper::State state = keeper::State::ready;
  keeper::Trouble trouble = keeper::Trouble::none;
  std::string reason;  // why it is not ready; if it is ready: its last trouble
  Seconds since{0};    // in this state
  bool doubtful = false;
  std::optional<Seconds> troubleAgo;  // of a trouble of a ready one
  std::uint64_t notUnderstood = 0;
  std::string lastNotUnderstood;
  bool usedUp = false;              // its SMS of today, by per_day
  bool retried = false;             // an operator restarted it, and it has sent nothing since
  keeper::Reasons::Ends ends = {};  // of its workers, lately
  std::string otherBuild;           // the software of its worker, if that is of another build than smsd
  std::optional<CanaryFailure> canary = {};  // unless it has accepted an SMS since
};

struct MailPicture {
  std::string dispatcher;
  std::string problem;  // why no mail is accepted
  Seconds since{0};
};

struct Lost {
  std::uint64_t messages = 0;
  std::string why;  // of the last one
  Seconds ago{0};
  format::MessageId message = 0;  // the id of the last one; 0: not known
};

struct Happened {
  std::string what;
  Seconds ago{0};
};

struct Picture {
  std::string queueFolder;  // of an SQLite file; empty: another backend
  std::string away;         // why the queue cannot be used; empty: it can
  std::optional<Seconds> awayFor;
  std::string strain;  // empty: none
  std::optional<Seconds> strainedFor;
  std::string otherSettler;  // the sign of one; empty: there is none
  std::optional<Seconds> otherSettlerFor;
  queue::Bell::State bell = queue::Bell::State::heard;
  std::string bellProblem;
  std::optional<Seconds> bellStateFor;
  queue::SchemaVersions schema;
  enum class Looked { notYet, inVain, yes } looked = Looked::notYet;  // at the queue
  queue::Depth depth;                                                 // if `looked` is yes
  enum class Paces { asConfigured, notKept } paces = Paces::asConfigured;
  Milliseconds lateAfter = 60s;
  std::optional<Seconds> withoutDispatcher;  // how long none could be used
  std::vector<DispatcherPicture> dispatchers;
  std::optional<Lost> lost;  // within a day
  std::optional<MailPicture> mailDown;
  std::optional<FolderTrouble> stateFolder;
  std::vector<Happened> happened;  // to the queue
  std::vector<watchkeeping::HeartbeatState> heartbeats;
  std::string heartbeatsProblem;  // why none of them is watched
  std::size_t underWay = 0;
  std::uint64_t sent = 0;
};

/// What belongs to the picture beside the road.
struct BesideRoad {
  const admin_mail::AdminMail* mail = nullptr;           // null: there is no such mail
  const watchkeeping::CanaryWatch* canaries = nullptr;   // null: a test without canaries
  const watchkeeping::Heartbeats* heartbeats = nullptr;  // null: a test without heartbeats
};

/// `look`: what a look at the queue found; none unless `looked` is yes.
Picture pictureOf(const road::Road& road, const BesideRoad& beside, const std::optional<QueueLook>& look,
                  Picture::Looked looked);

}  // namespace smsd::control
