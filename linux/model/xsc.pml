/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model of the protocol between a task with a gate (the submitter) and its
 * worker.  README.md beside it says what is left out, and why that is sound.
 *
 * Bounds, each a -D flag:
 *	DEPTH		frames: the program and the handlers nested in it
 *	CALLS, HCALLS	calls that the program and each handler make
 *	SIGNALS		signals that arrive
 *	JUMPS		handlers that leave by siglongjmp
 *	RETIRES		calls that retire the worker
 *	STOPS		times the worker obeys a SIGSTOP before the submitter does
 *	STARTS		workers that are started
 *	SLEEPS		polling periods that end though nobody wants it
 *	STRAYS		requests that end early though no signal has come
 *	FORWARDS	signals that a request sends to its own thread
 *	KILL		1: SIGKILL may arrive at any moment
 *	HANDOVER	1: the submitter may hand a request to its worker
 *	TSO		1: the submitter's stores wait in a buffer
 *	HOSTILE		stores of another thread into the submitter's slot
 * MUT_... leaves a step of the protocol out, or does it too early.
 */
#ifndef DEPTH
#define DEPTH 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef HCALLS
#define HCALLS 1
#endif
#ifndef SIGNALS
#define SIGNALS 1
#endif
#ifndef JUMPS
#define JUMPS 0
#endif
#ifndef RETIRES
#define RETIRES 0
#endif
#ifndef STARTS
#define STARTS 1
#endif
#ifndef SLEEPS
#define SLEEPS 1
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef STRAYS
#define STRAYS 0
#endif
#ifndef FORWARDS
#define FORWARDS 0
#endif
#ifndef KILL
#define KILL 0
#endif
#ifndef HANDOVER
#define HANDOVER 0
#endif
#ifndef TSO
#define TSO 0
#endif
#ifndef HOSTILE
#define HOSTILE 0
#endif

/* Where a frame stands, in the order of the code. */
#define USER		0	/* between calls */
#define GA_NUMBER	1	/* gate A, which rings */
#define GA_FLAGS	2
#define GA_ARGS		3
#define GA_ARGS2	4
#define GA_PUBLISH	5
#define GA_BELL		6
#define GB_ENTRY	7	/* gate B, which waits: jump through CR.gate */
#define GB_NUMBER	8
#define GB_INVALIDATE	9
#define GB_FLAGS	10
#define GB_ARGS		11
#define GB_ARGS2	12
#define GB_PUBLISH	13
#define GB_WAIT		14	/* from here on the number is published */
#define GB_RING		15
#define GB_RESULT	16
#define GB_BELL		17
#define GB_RETURN	18
#define LANDING		19

#define building(at)	(at >= GB_ENTRY && at <= GB_PUBLISH)
#define published(at)	(at >= GB_WAIT && at <= GB_RETURN)

/* Results.  A call that has been made returns its own identity, 1 or more. */
#define RESTART		254	/* -ERESTARTSYS: it has not been made */
#define INTERRUPTED	255	/* -EINTR: what the signal code makes of that */

#define IDLE	0
#define WORKER	1
#define CALLER	2
#define PUNTED	3

/* The claim.  One 64-bit word: state and number are read and changed at once. */
byte claim = IDLE, claim_seq;
byte private_res;

/* SR.  Number and flags lie in one aligned 64-bit word. */
byte sr_seq;
bit sr_poll;
byte sr_arg, sr_arg2;

/* CR and CTRL. */
byte cr_seq, cr_res;
bit cr_wait[2] = 1, cr_ring, cr_gate = 1;
bit entry_b;

/* What submitter and worker tell each other in the kernel. */
bit cancel;		/* the request in hand shall end early */
bit notify;		/* the worker's TIF_NOTIFY_SIGNAL */
bit parked, woken;	/* the submitter's place in the wait queue */
bit hire, wake, stop, alive, stopped;
byte hand;		/* copy of a request that is handed over */
bit hand_begun, hand_done;
byte hand_res;

/* The submitter's frames.  @top runs; the ones below wait for it to return. */
byte top;
byte ip[DEPTH], number[DEPTH], call[DEPTH], left[DEPTH], rax[DEPTH];
bit copy_of_b[DEPTH];	/* the code of gate B for odd numbers */
bit made[DEPTH];	/* the frame's call has been made */
byte calls;		/* identity of the last call */
byte signals = SIGNALS;
bit pending, killed, gone;
bit sent;		/* the signal is from a request to its own thread */

#if HOSTILE
/* Another thread spoils what is called.  But each number is run once. */
bool ran[24];
inline effect(id, id2)
{
	assert(!gone);
	assert(!ran[claim_seq]);
	ran[claim_seq] = 1
}
#define honest(property)	(true)
#else
/*
 * A call is made, now: the call of the frame that runs, and for the first
 * time.  So nothing is in flight when a handler starts, nothing happens after
 * it has been given up, and no request is a mixture of two.
 */
inline effect(id, id2)
{
	assert(!gone);
	assert(id == id2);
	assert(id == call[top]);
	assert(!made[top]);
	made[top] = 1
}
#define honest(property)	(property)
#endif

/* Stores of user code to SR.  They may reach the worker late, in this order. */
#if TSO
#define SR_SEQ		0
#define SR_POLL		1
#define SR_ARG		2
#define SR_ARG2		3
chan buffer = [5] of { byte, byte };
#define store(where, to, value)	buffer!where, value
#define drained()	empty(buffer)

active proctype store_buffer()
{
	byte value;

end:	do
	:: atomic { buffer?SR_SEQ, value -> sr_seq = value; value = 0 }
	:: atomic { buffer?SR_POLL, value -> sr_poll = value; value = 0 }
	:: atomic { buffer?SR_ARG, value -> sr_arg = value; value = 0 }
	:: atomic { buffer?SR_ARG2, value -> sr_arg2 = value; value = 0 }
	od
}
#else
#define store(where, to, value)	to = value
#define drained()	true
#endif

/*
 * WORKER
 */

#define dying()		(stop || killed)
#define cut_short()	(notify || killed)

/*
 * The worker changes the claim and then looks for a sleeper; the submitter
 * queues itself and then looks at the claim.  Without a barrier in between the
 * look comes first.
 */
#ifdef MUT_WAKE_NO_BARRIER
#define look_early()	sleeper = parked
#define seen_sleeper()	sleeper
#else
#define look_early()	skip
#define seen_sleeper()	parked
#endif
inline wake_submitter()
{
#ifdef MUT_NO_WAKE
	skip
#else
	if
	:: seen_sleeper() -> woken = 1
	:: else
	fi
#endif
}

/* A request begins.  A cancel meant for the one before must not hit it. */
inline begin_request()
{
#ifndef MUT_STALE_NOTIFY
	notify = 0;
#endif
	if
	:: cancel -> notify = 1
	:: else
	fi
}

/* A request that a worker may take.  Number and flags are read in one load. */
#define fresh()		(claim == IDLE && sr_seq == claim_seq + 1 && sr_poll)

/* The owner has ordered something, or a signal is there. */
#define handed_over()	(hand != 0 && !hand_begun)
#define disturbed()	(dying() || notify || wake || handed_over())

#ifdef MUT_NO_GUARD
#define quiet()		true
#else
#define quiet()		(!notify)
#endif

active proctype worker()
{
	byte k, seq, arg, arg2, res;
	bit poll, ring, forever;
	bit last;		/* the look after the polling period */
	byte sleeps = SLEEPS, strays = STRAYS, forwards = FORWARDS, stops = STOPS;
#ifdef MUT_WAKE_NO_BARRIER
	bit sleeper;
#endif

end_unborn:
	atomic { hire -> hire = 0 };
rest:
	if
	:: dying() -> goto leave
	:: atomic { notify -> notify = 0 } -> goto rest
	/* A stop of the whole group; the submitter will see it, too. */
	:: atomic { stops > 0 -> stops--; pending = 1; stopped = 1 } ->
		!stopped || killed -> goto rest
	:: atomic { handed_over() && !notify -> hand_begun = 1 } -> goto handed
	:: atomic { wake && !notify -> wake = 0 }
	fi;
	entry_b = 1;
look:
	if
	:: disturbed() -> goto close
	:: atomic { sleeps > 0 -> sleeps-- } -> goto close
#ifdef MUT_TORN_LOOK
	:: atomic { claim == IDLE && sr_seq == claim_seq + 1 && quiet() -> k = claim_seq };
		if
		:: sr_poll
		:: else -> goto look
		fi
#else
	:: atomic { fresh() && quiet() -> k = claim_seq }
#endif
	fi;
	goto take;

close:
	entry_b = 0;
#ifdef MUT_NO_RECHECK
	goto rest;
#else
	atomic {
		if
		:: fresh() && quiet() -> k = claim_seq; last = 1
		:: else -> goto rest
		fi
	};
#endif

take:
	atomic {
		if
#ifdef MUT_CLAIM_BESIDE_SEQ
		:: claim == IDLE ->
#else
		:: claim == IDLE && claim_seq == k ->
#endif
			claim = WORKER; claim_seq++
		:: else -> goto lost
		fi
	};
	seq = sr_seq;
	poll = sr_poll;
	arg = sr_arg;
	arg2 = sr_arg2;
	atomic {
		if
#ifndef MUT_NO_SNAPSHOT_CHECK
		:: seq != k + 1 || !poll -> goto punt
		:: else ->
#else
		:: true ->
#endif
			if
			:: goto punt	/* class caller, a tracer, a filter */
			:: skip
			fi
		fi;
		seq = k + 1; poll = 0
	};
	begin_request();
	if
	:: skip				/* does not sleep */
	:: atomic {
		/* Without end, if a signal is sure to end it. */
		if
		:: true
		:: (signals > 0 || KILL) && !HOSTILE -> forever = 1
		fi
	   };
	   cr_ring = 1;
	   cr_wait[seq & 1] = 0;
	   if
	   :: !forever
	   :: atomic { cut_short() -> assert(honest(pending || cancel || killed));
			if
			:: res = RESTART; ring = 1
			:: res = INTERRUPTED
			:: true		/* a partial result */
			fi }
	   /* A stop, the freezer: it is made again, and nobody knows. */
	   :: atomic { strays > 0 -> strays--; res = RESTART; ring = 1 }
	   fi
	fi;
	atomic {
		if
		:: res == RESTART || res == INTERRUPTED
		:: else -> effect(arg, arg2); res = arg
		fi;
		if
		:: forwards > 0 && signals > 0 -> forwards--; signals--; pending = 1; sent = 1;
#ifndef MUT_FORWARD_QUIETLY
			ring = 1
#endif
		:: true
		fi;
		arg = 0; arg2 = 0; forever = 0;
		private_res = res
	};
#ifdef MUT_CLAIM_BEFORE_CQE
	claim = IDLE;
	wake_submitter();
#endif
	cr_res = (ring -> INTERRUPTED : res);
#ifdef MUT_RING_BEFORE_SEQ
	cr_ring = ring;
#endif
	cr_wait[(seq + 1) & 1] = 1;
	cr_gate = (seq + 1) & 1;
#ifdef MUT_WAIT_BEFORE_SEQ
	cr_wait[seq & 1] = 0;
#endif
	cr_seq = seq;
	/* Either of these two lets the gate go on: all else comes before. */
#ifndef MUT_RING_BEFORE_SEQ
	cr_ring = ring;
#endif
#ifndef MUT_WAIT_BEFORE_SEQ
	cr_wait[seq & 1] = 0;
#endif
	look_early();
#ifndef MUT_CLAIM_BEFORE_CQE
	atomic { assert(claim == WORKER && claim_seq == seq); claim = IDLE };
#endif
	goto next;

punt:
	/* With the claim the right to write to CR goes, too. */
	atomic { seq = k + 1; poll = 0; arg = 0; arg2 = 0 };
#ifdef MUT_PUNT_CLAIM_FIRST
	claim = PUNTED;
#endif
	cr_ring = 1;
	cr_wait[seq & 1] = 0;
#ifndef MUT_PUNT_CLAIM_FIRST
	look_early();
	claim = PUNTED;
#endif

next:
	atomic {
		wake_submitter();
lost:		k = 0; seq = 0; arg = 0; arg2 = 0; res = 0;
		poll = 0; ring = 0; forever = 0;
		if
		:: last -> last = 0; goto rest
		:: else -> goto look
		fi
	};

handed:
	/* The claim is the submitter's, which waits in the kernel. */
	begin_request();
	if
	:: atomic { true -> effect(hand, hand); hand_res = hand; hand_done = 1 }
	:: atomic { cut_short() -> assert(honest(pending || cancel || killed));
			hand_res = RESTART; hand_done = 1 }
	fi;
	goto rest;

leave:
	atomic { sleeps = SLEEPS; wake = 0; stopped = 0; alive = 0 };
	goto end_unborn
}

/*
 * SUBMITTER
 */

/* What the worker writes to CR, by the submitter: nobody else looks at it. */
inline publish(seq, value, ring)
{
	cr_res = value;
	cr_wait[(seq + 1) & 1] = 1;
	cr_gate = (seq + 1) & 1;
	cr_seq = seq;
	cr_ring = ring;
	cr_wait[seq & 1] = 0
}

/* Nobody runs the number, whose claim is the submitter's. */
inline finish_unrun()
{
	publish(claim_seq, INTERRUPTED, 1);
	claim = IDLE
}

/* The user stands before a call, of which nothing has been done. */
inline rewind()
{
	ip[top] = GA_NUMBER; number[top] = 0; copy_of_b[top] = 0; rax[top] = 0
}

/* The user stands behind a call. */
inline deliver()
{
	ip[top] = LANDING; number[top] = 0; copy_of_b[top] = 0;
	rax[top] = private_res
}

inline forget_call()
{
	ip[top] = USER; number[top] = 0; copy_of_b[top] = 0; rax[top] = 0;
	call[top] = 0; made[top] = 0
}

inline drop_frame()
{
	forget_call();
	left[top] = 0;
	top--
}

#define waits_for_next()	((claim_seq & 1) != copy_of_b[top])
#define interrupted()		(pending || killed)

/* Sleep until the claim is no longer the one that was seen, WORKER(@seen). */
#define worker_has(seen)	(claim == WORKER && claim_seq == seen)

inline park(interruptible)
{
#ifdef MUT_PARK_LATE
	if
	:: worker_has(seen) ->
		atomic { parked = 1; woken = 0 };
#else
	atomic { parked = 1; woken = 0 };
	if
	:: worker_has(seen) ->
#endif
		if
		:: woken
		:: interruptible && interrupted()
		:: atomic { interruptible && signals > 0 -> signals--; pending = 1 }
		fi
	:: else
	fi;
	atomic { parked = 0; woken = 0; seen = 0 }
}

/* End the worker, cut short what it has in hand, wait until it has gone. */
inline retire()
{
	cancel = 1;
	stop = 1;
	notify = 1;
#ifdef MUT_NO_DRAIN
	skip
#else
#ifdef MUT_RETIRE_WAKES_ONCE
	stopped = 0;
	!alive;
#else
	do
	:: stopped -> stopped = 0
	:: !alive -> break
	od;
#endif
	atomic { cancel = 0; stop = 0; notify = 0 }
#endif
}

/* The request of this frame, by its registers.  The slot may hold another one. */
#ifdef MUT_TRUST_SLOT
#define asked()	sr_arg
#else
#define asked()	call[top]
#endif

inline take(seq)
{
	copy = asked();
	claim = CALLER; claim_seq = seq
}

active proctype submitter()
{
	byte res, copy, seen;
	byte starts = STARTS, retires = RETIRES, jumps = JUMPS;

	left[0] = CALLS;
user:
	if
	:: killed -> goto exit
	:: pending -> goto leave	/* what a request has sent */
	/* A signal comes.  In the program, between calls, it is no problem. */
	:: atomic { signals > 0 && (ip[top] != USER || top > 0) ->
			signals--; pending = 1 } -> goto leave
	:: atomic { ip[top] == USER && left[top] > 0 ->
			calls++; call[top] = calls; left[top]--;
			if
			:: entry_b -> ip[top] = GB_ENTRY
			:: else -> ip[top] = GA_NUMBER
			fi }
	:: atomic { ip[top] == USER && left[top] == 0 && top > 0 -> drop_frame() }
	:: ip[top] == USER && left[top] == 0 && top == 0 -> goto exit
	/* siglongjmp, over one frame or two: what they were doing is given up. */
	:: atomic { ip[top] == USER && top > 0 && jumps > 0 ->
			jumps--;
			drop_frame();
			if
			:: top > 0 -> drop_frame()
			:: true
			fi;
			forget_call() }

	:: atomic { ip[top] == GA_NUMBER -> number[top] = cr_seq + 1; ip[top]++ }
	:: atomic { ip[top] == GA_FLAGS || ip[top] == GB_FLAGS ->
			store(SR_POLL, sr_poll, (ip[top] == GB_FLAGS)); ip[top]++ }
	:: atomic { ip[top] == GA_ARGS || ip[top] == GB_ARGS ->
			store(SR_ARG, sr_arg, call[top]); ip[top]++ }
	:: atomic { ip[top] == GA_ARGS2 || ip[top] == GB_ARGS2 ->
			store(SR_ARG2, sr_arg2, call[top]); ip[top]++ }
	:: atomic { ip[top] == GA_PUBLISH || ip[top] == GB_PUBLISH ->
			store(SR_SEQ, sr_seq, number[top]); number[top] = 0; ip[top]++ }
	:: ip[top] == GA_BELL -> goto bell_a

	:: atomic { ip[top] == GB_ENTRY -> copy_of_b[top] = cr_gate; ip[top]++ }
	:: atomic { ip[top] == GB_NUMBER -> number[top] = cr_seq + 1; ip[top]++;
			assert(honest(copy_of_b[top] == (number[top] & 1))) }
	:: atomic { ip[top] == GB_INVALIDATE ->
#ifndef MUT_NO_INVALIDATE
			store(SR_SEQ, sr_seq, number[top] - 1);
#endif
			ip[top]++ }
	:: atomic { ip[top] == GB_WAIT && !cr_wait[copy_of_b[top]] -> ip[top] = GB_RING }
	:: atomic { ip[top] == GB_WAIT -> ip[top] = GB_BELL }	/* has waited long enough */
	:: atomic { ip[top] == GB_RING ->
			if
			:: cr_ring -> ip[top] = GB_BELL
			:: else -> ip[top] = GB_RESULT
			fi }
	:: atomic { ip[top] == GB_RESULT -> rax[top] = cr_res; ip[top] = GB_RETURN }
	:: ip[top] == GB_BELL -> goto bell_b

	/* The result is this call's, or says that the call has not been made. */
	:: atomic { ip[top] == LANDING || ip[top] == GB_RETURN ->
			assert(honest(rax[top] == call[top] && made[top] ||
				      rax[top] == INTERRUPTED && !made[top]));
			assert(honest(!sent));
			forget_call() }
	fi;
	goto user;

bell_a:
	drained();
	atomic {
		if
		:: claim == IDLE -> take(claim_seq + 1); goto execute
		:: claim == WORKER ->
			/* The last request, whose result has come already. */
#ifdef MUT_REWIND_BUSY
			rewind();
			goto user
#else
			seen = claim_seq
#endif
		:: claim == PUNTED ->
			/* A number that no gate has published. */
			assert(honest(claim != PUNTED));
			finish_unrun();
			goto leave
		fi
	};
	park(true);
	/* The store to BELL is made again, or a signal comes first. */
	goto leave;

bell_b:
	drained();
	atomic {
		if
		:: claim == WORKER ->
			/* This request, or still the last one: the number decides later. */
			seen = claim_seq
		:: claim == IDLE && !waits_for_next() ->
#ifdef MUT_ONE_BELL
			rewind();
			goto user
#else
			if
			:: private_res == RESTART && !pending ->
				take(claim_seq + 1); goto execute
			:: else -> deliver(); goto leave
			fi
#endif
		:: claim == IDLE && waits_for_next() -> take(claim_seq + 1); goto execute
		:: claim == PUNTED && !waits_for_next() -> take(claim_seq); goto execute
		:: claim == PUNTED && waits_for_next() ->
			assert(honest(claim != PUNTED));
			finish_unrun();
			goto bell_b
		fi
	};
	park(true);
	if
	:: interrupted() -> goto leave
	:: else -> goto bell_b
	fi;

	/* The claim is CALLER(s); the copy is what runs. */
execute:
	atomic { ip[top] = LANDING; number[top] = 0; copy_of_b[top] = 0 };
	if
	:: atomic { true -> effect(copy, copy); res = copy }
	:: atomic { signals > 0 -> signals--; pending = 1; res = RESTART }
	:: killed -> res = RESTART
	:: atomic { retires > 0 && alive -> retires-- };
		retire();
		assert(claim == CALLER);
		atomic { effect(copy, copy); res = copy }
	:: atomic { HANDOVER && alive -> hand = copy };
		if
		:: hand_done || !alive
		:: interrupted() -> goto withdraw
		:: atomic { signals > 0 -> signals--; pending = 1 };
withdraw:
			if
#ifdef MUT_WITHDRAW_BLIND
			:: true -> hand = 0
#else
			:: atomic { handed_over() -> hand = 0 }
			:: !handed_over() ->
				cancel = 1;
				notify = 1;
				hand_done || !alive;
				cancel = 0
#endif
			fi
		fi;
		atomic {
			res = (hand_done -> hand_res : RESTART);
			hand = 0; hand_begun = 0; hand_done = 0; hand_res = 0
		}
	fi;
	atomic {
		publish(claim_seq, res, 0);
		rax[top] = res;
		res = 0; copy = 0;
		claim = IDLE
	};
	if
	:: atomic { starts > 0 && !alive -> starts--; alive = 1; hire = 1; wake = 1 }
	:: alive -> wake = 1
	:: skip
	fi;

	/* Back to user mode, by way of signals. */
leave:
	if
	:: killed -> goto exit
	:: !killed && !pending ->
		/* Nothing but a signal may cut a call short. */
		assert(ip[top] != LANDING || rax[top] != RESTART);
		goto user
	:: pending
	fi;
settle:
	drained();
	atomic {
		if
#ifndef MUT_NO_SETTLE
		:: building(ip[top]) ->
#ifndef MUT_LEAVE_POLL
			/* A gate A below may be about to publish the number that is next. */
			sr_poll = 0;
#endif
			rewind()
		:: published(ip[top]) && claim == WORKER -> seen = claim_seq; goto cut_worker_short
		:: published(ip[top]) && claim == IDLE && waits_for_next() ->
#ifdef MUT_BLIND_TAKE_BACK
			goto take_back
#else
			/* Taken back: cmpxchg IDLE(k) -> IDLE(k + 1). */
			claim_seq++;
			finish_unrun();
			rewind()
#endif
		:: published(ip[top]) && claim == IDLE && !waits_for_next() ->
			deliver()
		:: published(ip[top]) && claim == PUNTED ->
			finish_unrun();
			rewind()
#endif
		:: else
		fi
	};
	goto handle;
#ifdef MUT_BLIND_TAKE_BACK
take_back:
	atomic { claim_seq++; finish_unrun(); rewind() };
	goto handle;
#endif
cut_worker_short:
#ifndef MUT_NO_CANCEL
	cancel = 1;
	notify = 1;
#endif
	park(false);
	cancel = 0;
	goto settle;

handle:
	/* A handler, or none; an interrupted call is made again or has failed. */
	atomic {
		pending = 0; sent = 0; stopped = 0;
		assert(honest(ip[top] != LANDING || rax[top] != RESTART || !made[top]));
		if
		:: ip[top] == LANDING && rax[top] == RESTART && top < DEPTH - 1 ->
			rax[top] = INTERRUPTED
		:: ip[top] == LANDING && rax[top] == RESTART -> rewind()
		:: else
		fi;
		if
		:: top < DEPTH - 1 -> top++; left[top] = HCALLS
		:: top == DEPTH - 1 || !(ip[top] == LANDING && rax[top] == INTERRUPTED)
		fi
	};
	goto user;

exit:
	retire();
	atomic { gone = 1; assert(claim != WORKER) }
}

#if KILL
active proctype killer()
{
end:	atomic { !gone -> killed = 1 }
}
#endif

#if HOSTILE
active proctype hostile()
{
	byte stores = HOSTILE;

end:	do
	:: atomic { stores > 0 -> stores--; sr_seq = claim_seq + 1 }
	:: atomic { stores > 0 -> stores--; sr_seq = 0 }
	:: atomic { stores > 0 -> stores--; sr_poll = !sr_poll }
	od
}
#endif
