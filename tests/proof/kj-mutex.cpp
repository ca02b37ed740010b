// SPDX-License-Identifier: GPL-3.0-or-later
// Shows KJ's mutex to ThreadSanitizer. Linked into each program of the preset tsan.
//
// Debian's libkj is not instrumented and waits by futexes, so ThreadSanitizer does not see which thread hands
// data to which, and would report every use of a kj::Executor or a kj::MutexGuarded. The functions below
// replace libkj's in the whole process. Each calls the original and reports the hand-over to ThreadSanitizer.
// KJ's threads synchronise by kj::Mutex alone.
#include <dlfcn.h>
#include <kj/mutex.h>
#include <sanitizer/tsan_interface.h>

#include <cstdlib>

namespace {

template <typename F>
F* original(const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();  // this libkj names the function otherwise: see `nm -D libkj.so`
  return reinterpret_cast<F*>(found);
}

/// The predicate of a thread that waits for `mutex`. Another thread checks it while it unlocks the mutex,
/// after unlock() below released it.
class PublishedPredicate final : public kj::_::Mutex::Predicate {
 public:
  PublishedPredicate(kj::_::Mutex::Predicate& wanted, kj::_::Mutex* mutex) : wanted_(wanted), mutex_(mutex) {}
  bool check() override {
    bool met = wanted_.check();
    __tsan_release(mutex_);
    return met;
  }

 private:
  kj::_::Mutex::Predicate& wanted_;
  kj::_::Mutex* mutex_;
};

}  // namespace

namespace kj::_ {

bool Mutex::lock(Exclusivity exclusivity, Maybe<Duration> timeout, LockSourceLocationArg location) {
  using Lock = bool(Mutex*, Exclusivity, Maybe<Duration>, LockSourceLocationArg);
  static auto* const next = original<Lock>(
      "_ZN2kj1_5Mutex4lockENS1_11ExclusivityENS_5MaybeINS_8QuantityIlNS0_15NanosecondLabelEEEEENS_"
      "18NoopSourceLocationE");
  bool locked = next(this, exclusivity, timeout, location);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::unlock(Exclusivity exclusivity, Waiter* waiterToSkip) {
  using Unlock = void(Mutex*, Exclusivity, Waiter*);
  static auto* const next = original<Unlock>("_ZN2kj1_5Mutex6unlockENS1_11ExclusivityEPNS1_6WaiterE");
  __tsan_release(this);
  next(this, exclusivity, waiterToSkip);
}

/// libkj unlocks the mutex by unlock() above, and locks it again by itself.
void Mutex::wait(Predicate& predicate, Maybe<Duration> timeout, LockSourceLocationArg location) {
  using Wait = void(Mutex*, Predicate&, Maybe<Duration>, LockSourceLocationArg);
  static auto* const next = original<Wait>(
      "_ZN2kj1_5Mutex4waitERNS1_9PredicateENS_5MaybeINS_8QuantityIlNS0_15NanosecondLabelEEEEENS_"
      "18NoopSourceLocationE");
  PublishedPredicate published(predicate, this);
  __tsan_release(this);
  next(this, published, timeout, location);
  __tsan_acquire(this);
}

}  // namespace kj::_
