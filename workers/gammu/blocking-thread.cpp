// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/gammu/blocking-thread.h"

#include <pthread.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

namespace smsd::gammu {

void blockSignals() {
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

BlockingThread::BlockingThread(std::chrono::milliseconds patience)
    : patience_(patience), thread_(kj::heap<kj::Thread>([this]() { work(); })) {}

BlockingThread::~BlockingThread() {
  std::unique_lock lock(guard_);
  stopping_ = true;
  tasks_.clear();
  changed_.notify_all();
  if (!changed_.wait_for(lock, patience_, [this] { return stopped_; })) ::_exit(EX_TEMPFAIL);
}

void BlockingThread::add(std::function<void()> task) {
  std::lock_guard lock(guard_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

std::chrono::steady_clock::duration BlockingThread::busyFor() const {
  std::lock_guard lock(guard_);
  return since_ ? std::chrono::steady_clock::now() - *since_ : std::chrono::steady_clock::duration{0};
}

void BlockingThread::work() {
  blockSignals();
  std::unique_lock lock(guard_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) break;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    since_ = std::chrono::steady_clock::now();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    since_.reset();
  }
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace smsd::gammu
