import type { RemoteWorker } from '@ringmesh/dispatch';
import type { ComputeThreads } from './compute-threads.js';

/** The experts of this process's compute threads, told of in the same terms as workers behind gRPC. */
export class LocalExperts {
  constructor(
    threads: ComputeThreads,
    /** Called with all hosts after one of them changed. */
    private readonly onChange: (hosts: RemoteWorker[]) => void,
  ) {
    const tellReady = (): void => {
      const hosts = [threads.ownHost, ...threads.otherHosts];
      onChange(hosts.map((host, index) => ({ ...host, address: `local-${index}`, state: 'ready', detail: '' })));
    };
    threads.ready.then(tellReady, () => undefined); // the engine hears of the failure, too
  }

  /** Some more experts are open. */
  loading(opened: number, total: number): void {
    this.onChange([{ address: 'local', state: 'loading', detail: `${opened} of ${total} experts open`, shards: [], channels: [] }]);
  }
}
