import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { METRICS_CONTENT_TYPE, type MetricsRegistry, renderMetrics } from '@ringmesh/telemetry';
import { METRICS } from '../tokens.js';

/** GET /metrics, for Prometheus. */
@ApiTags('Operations')
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRICS) private readonly registry: MetricsRegistry) {}

  @Get()
  @Header('content-type', METRICS_CONTENT_TYPE)
  scrape(): Promise<string> {
    return renderMetrics(this.registry);
  }
}
