/**
 * The settings with which other people's software runs: the fastest durable ones that its own documentation names, and
 * why each is what it is. They are printed with the result.
 */

/**
 * https://worker.graphile.org/docs/performance: the configuration of its own quick stats. A local queue of 500 fetches
 * jobs by the batch, 24 jobs at a time on a pool of 25, and completions go in one statement as soon as one waits
 * (delay 0). Prepared statements stay on, as by default. Batched enqueueing is its `addJobs`.
 */
export const graphile = {
  worker: {
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0
  }
} as const

/**
 * https://timgit.github.io/pg-boss: batches of 500, fetched again at once while they come full, and completed by one
 * statement. NOTIFY wakes the worker, since the shortest polling interval is half a second: that costs single commits
 * more than it gives, but without it every wait is one of a quarter of a second. Since 12.30 jobs are always fetched in
 * order. A queue in a table of its own, no schedules. Batched enqueueing is its `insert`.
 */
export const pgBoss = {
  instance: { max: 24, useListenNotify: true, schedule: false },
  queue: { notify: true, partition: true },
  work: { batchSize: 500, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true, localConcurrency: 1 }
} as const

/**
 * https://docs.nats.io: a work queue in files, one replica, explicit acknowledgements, a pull consumer that has up to
 * 2,000 messages on their way and asks for more at half of that; publishers wait for each PubAck, many in flight.
 * Whether a PubAck means that the disk has it is the server's `sync_interval`: "always", or two minutes by default.
 */
export const nats = {
  stream: { storage: "file", retention: "workqueue", num_replicas: 1 },
  consumer: { ack_policy: "explicit", max_ack_pending: 10_000 },
  pull: { max_messages: 2_000, threshold_messages: 1_000 },
  batch: 1_000
} as const

/**
 * https://www.rabbitmq.com/docs/quorum-queues and /docs/confirms: a quorum queue of one replica, which forces its log
 * to the disk before it confirms; publisher confirms, asynchronous, many in flight on one channel; a prefetch large
 * enough that the consumer never waits, and one acknowledgement for all messages up to the last of a batch.
 */
export const rabbit = {
  queue: { durable: true, arguments: { "x-queue-type": "quorum", "x-quorum-initial-group-size": 1 } },
  publish: { persistent: true },
  prefetch: 2_000,
  batch: 1_000
} as const

/** What goes with the result. */
export const described: ReadonlyArray<string> = [
  `graphile-worker: ${JSON.stringify(graphile.worker)}, addJobs for batches.`,
  `pg-boss: ${JSON.stringify(pgBoss.instance)}, queue ${JSON.stringify(pgBoss.queue)}, work ${JSON.stringify(pgBoss.work)}, insert for batches.`,
  `NATS JetStream: stream ${JSON.stringify(nats.stream)}, consumer ${JSON.stringify(nats.consumer)}, pull ${JSON.stringify(nats.pull)}, a commit for up to ${nats.batch}; sync_interval always, or 2m as by default.`,
  `RabbitMQ: queue ${JSON.stringify(rabbit.queue.arguments)}, publisher confirms, persistent, prefetch ${rabbit.prefetch}, a commit and one acknowledgement for up to ${rabbit.batch}.`
]
