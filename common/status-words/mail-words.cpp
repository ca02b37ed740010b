// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/status-words/mail-words.h"

#include <fmt/format.h>

#include "common/status-words/names.h"
#include "common/text/age.h"
#include "common/text/grouped.h"
#include "common/text/utf.h"

namespace smsd::status_words {

std::string mailWords(proto::Status::Reader status) {
  auto mail = status.getAdminMail();
  if (!mail.getEnabled()) return "";
  const bool ready = mail.getState() == proto::DispatcherState::READY;
  std::string words = ready && status.getAdminMailDown() ? "not accepted"
                      : ready && !mail.getSentEver()     ? "not tried yet"
                                                         : stateName(mail.getState());
  words += fmt::format(" by {}", text::printable(mail.getDispatcher().cStr()));
  words += mail.getSentEver() ? fmt::format(", last {} ago", text::age(mail.getSentAgo())) : ", none yet";
  if (mail.getWaiting() > 0) words += fmt::format(", {} entries wait", text::grouped(mail.getWaiting()));
  return words;
}

}  // namespace smsd::status_words
