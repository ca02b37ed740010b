// SPDX-License-Identifier: GPL-3.0-or-later
// smsd's suite for queues, on this queue. All that it needs is the store.
#include "gammu-store.h"

namespace {

const smsd::queue::StoreRegistration registered("gammu", []() -> std::unique_ptr<smsd::queue::Store> {
  return std::make_unique<gammu_outbox::GammuStore>();
});

}  // namespace
