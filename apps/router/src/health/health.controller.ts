import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { EngineClient } from '@ringmesh/engine';
import type { FastifyReply } from 'fastify';
import type { InFlight } from '../generation/in-flight.js';
import { ENGINE, IN_FLIGHT } from '../tokens.js';

export interface ReadyBody {
  status: 'ready' | 'not_ready' | 'shutting_down';
  /** Shards that no reachable worker hosts. */
  missing_shards: number[];
  /** A line a worker, or a phase of loading. */
  details: string[];
}

/** GET /health says that the process lives; GET /ready, that it can answer. */
@ApiTags('Operations')
@Controller()
export class HealthController {
  constructor(
    @Inject(ENGINE) private readonly engine: EngineClient,
    @Inject(IN_FLIGHT) private readonly inFlight: InFlight,
  ) {}

  @Get('health')
  health(): { status: 'alive' } {
    return { status: 'alive' };
  }

  @Get('ready')
  ready(@Res({ passthrough: true }) reply: FastifyReply): ReadyBody {
    const { ready, missingShards, details } = this.engine.readiness();
    const status = this.inFlight.isClosing ? 'shutting_down' : ready ? 'ready' : 'not_ready';
    void reply.status(status === 'ready' ? 200 : 503);
    return { status, missing_shards: missingShards, details };
  }
}
