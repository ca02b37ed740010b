// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/admin-mail/mail-desk.h"

#include <memory>

namespace smsd::admin_mail {

void MailDesk::use(const config::AdminMailConfig& config, const keeper::SpawnPlan& plan, File file) {
  const config::DispatcherConfig former = config_.worker;
  config_ = config;
  if (!config.enabled()) return close();
  if (mail_.get() == nullptr) return open(config, plan);
  mail_->use(config);
  if (former != config.worker || file == File::changed) mail_->keeper().reconfigure(io_, config.worker, plan);
}

void MailDesk::open(const config::AdminMailConfig& config, const keeper::SpawnPlan& plan) {
  mail_ = kj::heap<AdminMail>(io_.provider->getTimer(), config, events_, host_, name_, stateDirectory_);
  mail_->use(std::make_unique<keeper::Keeper>(io_, config.worker, plan, 0, events_, *mail_));
  mail_->whenChanged([this]() { changed_(); });
  mail_->start();
}

/// A mail in flight is finished first.
void MailDesk::close() {
  if (mail_.get() == nullptr) return;
  mail_->whenChanged([]() {});
  auto finished = mail_->finish(AdminMail::Ending::asTold);
  closing_ = finished.attach(kj::mv(mail_)).eagerlyEvaluate(nullptr);
  changed_();
}

}  // namespace smsd::admin_mail
