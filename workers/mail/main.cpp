// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-worker-mail: the program around MailDispatcher.
#include "workers/mail/mail.h"

int main(int argc, char** argv) {
  smsd::mail::MailDispatcher dispatcher;
  return smsd::kit::workerMain(argc, argv, dispatcher);
}
