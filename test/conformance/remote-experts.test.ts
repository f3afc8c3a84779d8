import { describeExpertHosts } from './expert-hosts.js';
import { startWorkers } from './remote-hosts.js';

describeExpertHosts('worker processes behind gRPC', startWorkers);
