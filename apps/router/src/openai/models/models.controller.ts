import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ServedModel } from '../../served-model.js';
import { MODEL } from '../../tokens.js';
import { type ModelCard, type ModelList, modelListSchema, modelSchema } from '../schemas/models.js';

/** GET /v1/models and /v1/models/{id} */
@ApiTags('OpenAI')
@Controller('v1/models')
export class ModelsController {
  constructor(@Inject(MODEL) private readonly model: ServedModel) {}

  @Get()
  @ApiResponse({ status: 200, standardSchema: modelListSchema })
  list(): ModelList {
    return { object: 'list', data: [this.card()] };
  }

  @Get(':id')
  @ApiResponse({ status: 200, standardSchema: modelSchema })
  retrieve(@Param('id') id: string): ModelCard {
    this.model.checkName(id);
    return this.card();
  }

  private card(): ModelCard {
    const { name, created, maxModelLen } = this.model;
    return { id: name, object: 'model', created, owned_by: 'ringmesh', max_model_len: maxModelLen };
  }
}
