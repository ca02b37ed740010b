// SPDX-License-Identifier: GPL-3.0-or-later
// The place of the mail to the administrators in the daemon: there is mail, or there is none, and a reload
// may change that.
//
// Owns the AdminMail and its keeper. Called by the daemon, which passes the journal's entries on, and by a
// reload. When mail is disabled, entries that wait are dropped; the journal has them.
#pragma once

#include <kj/async-io.h>
#include <kj/function.h>

#include <filesystem>
#include <string>

#include "supervisor/admin-mail/admin-mail.h"
#include "supervisor/config/config.h"
#include "supervisor/events/events.h"
#include "supervisor/keeper/link.h"

namespace smsd::admin_mail {

class MailDesk {
 public:
  /// `host`, `name` and `stateDirectory`: see AdminMail.
  MailDesk(kj::AsyncIoContext& io, events::EventLog& events, std::string host, std::string name,
           std::filesystem::path stateDirectory)
      : io_(io),
        events_(events),
        host_(std::move(host)),
        name_(std::move(name)),
        stateDirectory_(std::move(stateDirectory)) {}

  /// Opens, changes or closes the mail as `config` has it, at the start and at a reload. `plan`: how its
  /// worker is started. `file`: whether the worker's file has changed, so that a fresh worker has to read it.
  enum class File { same, changed };
  void use(const config::AdminMailConfig& config, const keeper::SpawnPlan& plan, File file);
  /// Called when an entry was written to the journal.
  void heard(const journal::Entry& entry) {
    if (mail_.get() != nullptr) mail_->heard(entry);
  }
  /// Null if nothing is to be mailed.
  const AdminMail* mail() const { return mail_.get(); }
  AdminMail* mail() { return mail_.get(); }
  /// Sets the function to call when mail goes down or works again.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }
  /// See AdminMail::finish().
  kj::Promise<void> finish(AdminMail::Ending ending) {
    if (mail_.get() == nullptr) return kj::READY_NOW;
    return mail_->finish(ending);
  }

 private:
  void open(const config::AdminMailConfig& config, const keeper::SpawnPlan& plan);
  void close();

  kj::AsyncIoContext& io_;
  events::EventLog& events_;
  std::string host_, name_;
  std::filesystem::path stateDirectory_;
  kj::Function<void()> changed_ = []() {};
  config::AdminMailConfig config_;
  kj::Own<AdminMail> mail_;
  kj::Promise<void> closing_ = kj::READY_NOW;  // of a mail that a reload disabled
};

}  // namespace smsd::admin_mail
